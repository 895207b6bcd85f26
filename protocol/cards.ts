/** Cards and device tokens, as records. The number of a card is never among what is sent: a token of it is. */
import { layout } from './layout.ts';

/** A card: what was registered of it, and what was seen of it since (from `sumUnverified` on what is sent as zero says so). */
export const CARD = layout('card', 128, {
  /** Keyed hash of the card number, made outside. */
  token: [0, 'u128'],
  /** Who pays. Never changes. */
  accountId: [16, 'u128'],
  /** A device token: only payments of this device, as a use names it; 0 = any. */
  device: [32, 'u128'],
  /** Only payments to this account; 0 = any. */
  payeeAccountId: [48, 'u128'],
  /** Largest amount without verification of the holder; 0 = no limit. */
  unverifiedAmountMax: [64, 'u64'],
  /** Most that several payments without verification may come to before there is one with; 0 = no limit. */
  unverifiedSumMax: [72, 'u64'],
  /** Sent as zero: what they have come to. */
  unverifiedSum: [80, 'u64'],
  /** Sent as zero: a bit for each of the 64 counters up to the highest that was seen, the lowest bit for that. */
  countersSeen: [88, 'u64'],
  /** Sent as zero: when this version was made. */
  timestamp: [96, 'u64'],
  /** Sent as zero: the institution that registered the card. */
  owner: [104, 'u32'],
  /** Year and month in two digits each, as a number: 2712; 0 = never. */
  expiry: [108, 'u16'],
  /** Channels of payments that are allowed, a bit each; 0 = all. */
  channels: [110, 'u16'],
  /** Transaction counters up to here are never accepted. */
  counterFloor: [112, 'u16'],
  /** Counters further above the highest need the right PIN; 0 = none is too far. */
  counterJumpMax: [114, 'u16'],
  /** Sent as zero: the highest transaction counter that was seen. */
  counter: [116, 'u16'],
  /** The last four digits of the card number, to be shown. */
  lastFour: [118, 'u16'],
  /** How many payments without verification may follow each other; 0 = no limit. */
  unverifiedCountMax: [120, 'u8'],
  /** Sent as zero. */
  unverifiedCount: [121, 'u8'],
  /** Wrong PINs until no PIN is taken any more; 0 = no limit. */
  pinTriesMax: [122, 'u8'],
  /** Sent as zero: wrong PINs since the last right one. */
  pinFailures: [123, 'u8'],
  /** A CardStates value. */
  state: [124, 'u8'],
  /** PAN sequence number. */
  sequence: [125, 'u8'],
  /** CardFlags. */
  flags: [126, 'u8'],
  reserved: [127, 'u8'],
});

export const CardStates = { active: 1, lost: 2, stolen: 3, restricted: 4, closed: 5 } as const;
export type CardStateName = keyof typeof CardStates;

/** What putCards does beside: the flags themselves are not kept. */
export const CardFlags = {
  /** Wrong PINs are forgotten. */
  resetPin: 1 << 0,
} as const;

/** What a card and its holder have shown for one payment, looked at beforehand by whoever has the keys. */
export const CARD_USE = layout('cardUse', 96, {
  /** Chosen by the client: the same use again gets the same answer, and changes nothing. */
  id: [0, 'u128'],
  token: [16, 'u128'],
  /** The device that a device token was used with; 0 = not known. */
  device: [32, 'u128'],
  payeeAccountId: [48, 'u128'],
  /** Minor units. */
  amount: [64, 'u64'],
  /** When it was decided; sent as zero. */
  timestamp: [72, 'u64'],
  /** The card's transaction counter; 0 = it told none. */
  counter: [80, 'u16'],
  /** As in CARD, as the card tells it; 0 = not told. */
  expiry: [82, 'u16'],
  /** A Channels value. */
  channel: [84, 'u8'],
  /** A CardVerifications value. */
  verification: [85, 'u8'],
  /** CardProofs. */
  proofs: [86, 'u8'],
  reserved8: [87, 'u8'],
  reserved64: [88, 'u64'],
});

/** How the holder was verified. */
export const CardVerifications = { none: 0, signature: 1, offlinePin: 2, onlinePin: 3, device: 4 } as const;
export type CardVerificationName = keyof typeof CardVerifications;

/** What was found; a bit without its partner says that there was none, or that it was wrong. */
export const CardProofs = {
  cryptogram: 1 << 0,
  cryptogramValid: 1 << 1,
  pin: 1 << 2,
  pinRight: 1 << 3,
} as const;
