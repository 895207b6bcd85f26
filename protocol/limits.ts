/** Bounds of the protocol: both sides check them. */
export const LIMITS = {
  /** Records in one message: with the header the frame stays under 1 MiB. */
  recordsPerFrameMax: 8190,
  frameBytesMax: 1_048_576,
  /** Ids in one look-up. */
  lookupIdsMax: 8190,
  pageEntriesMax: 1000,
  /** Transfers of a chain that `endChain` still ends: it reads them all. */
  chainMembersMax: 1024,
  referenceBytesMax: 64,
  /** Life of an authorisation that names none: 7 days. */
  authorisationSecondsDefault: 604_800,
  /** Time to prove that it is the payer who pays. */
  challengeSeconds: 300,
  /** Bytes of such a proof. */
  proofBytesMax: 512,
  /** Amounts and each balance side: 2^53 − 1. */
  amountMax: Number.MAX_SAFE_INTEGER,
  /** MessagePack bodies. */
  richBodyBytesMax: 65_536,
  /** How long `readChanges` may wait for news. */
  changesWaitMsMax: 30_000,
} as const;
