/** What each command can take of a batch at most: known from its kind, flags and count alone. */
import { CARD } from '../../protocol/cards.ts';
import { CARD_EVENT_BYTES, CARD_USE_EVENT_BYTES } from '../card/event.ts';
import type { CommandName } from '../../protocol/commands.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags } from '../../protocol/frame.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { CODE_DEVICE, PAYER_CODE } from '../../protocol/payer-codes.ts';
import { BALANCE_AT } from '../../protocol/reading-records.ts';
import {
  ACCOUNT,
  BALANCES,
  CHAIN_ENDED,
  PAGE,
  PAYMENT_STATE,
  paymentViewBytes,
  RESULT,
} from '../../protocol/records.ts';
import { entityEventBytes } from '../entity/event.ts';
import { RouterFlags } from '../gateway.ts';
import { ACCOUNT_CHANGE_EVENT_BYTES, ACCOUNT_EVENT_BYTES, TRANSFER_EVENT_BYTES } from '../ledger/events.ts';
import { jointEventBytes } from '../ledger/joint-event.ts';
import { LEG_EVENT_BYTES } from '../ledger/leg-event.ts';
import { CODE_DEVICE_EVENT_BYTES, PAYER_CODE_EVENT_BYTES } from '../payer-code/event.ts';
import { paymentEventBytes } from '../payment/event.ts';
import { OPEN_CASE_BYTES } from '../risk/cases.ts';
import { NEW_PAYMENT_BYTES_MAX } from '../risk/decision.ts';
import { SIGNAL_EVENT_BYTES } from '../risk/signals.ts';
import type { Weight } from './batch.ts';
import { clearingWeight } from './clearing-commands.ts';
import { countWeight } from './count-commands.ts';
import { enquiryWeight } from './enquiry.ts';
import { jointWeight } from './joint-commands.ts';

/** Header, and what aligning the next frame to 8 costs. */
const FRAME_BYTES = FRAME_HEADER.size + 8;
const PAYMENT_REPLY = FRAME_BYTES + RESULT.size + PAYMENT_STATE.size;
const PAYMENT_JOURNAL =
  Math.max(paymentEventBytes(LIMITS.referenceBytesMax), NEW_PAYMENT_BYTES_MAX) +
  3 * LEG_EVENT_BYTES +
  OPEN_CASE_BYTES +
  CODE_DEVICE_EVENT_BYTES;
const VIEW_BYTES_MAX = paymentViewBytes(LIMITS.referenceBytesMax);
const PAGE_BYTES = FRAME_BYTES + RESULT.size + PAGE.size;

/** A payment whose parties may live in several partitions. */
const JOINT_PAYMENT: Weight = {
  records: 3,
  journalBytes: jointEventBytes(3, PAYMENT_JOURNAL) + PAYMENT_JOURNAL,
  replyBytes: PAYMENT_REPLY,
};
const PAYMENT: Weight = { records: 1, journalBytes: PAYMENT_JOURNAL, replyBytes: PAYMENT_REPLY };
/** The longest chain that is ended at once: how long this one is, only its partition knows. */
const CHAIN: Weight = {
  records: LIMITS.chainMembersMax,
  journalBytes: LIMITS.chainMembersMax * TRANSFER_EVENT_BYTES,
  replyBytes: FRAME_BYTES + RESULT.size + CHAIN_ENDED.size,
};
const READ_PAGE: Weight = {
  records: 1,
  journalBytes: 0,
  replyBytes: PAGE_BYTES + LIMITS.pageEntriesMax * Math.max(TRANSFER_EVENT_BYTES, VIEW_BYTES_MAX),
};
const BALANCE: Weight = {
  records: 1,
  journalBytes: 0,
  replyBytes: FRAME_BYTES + RESULT.size + BALANCE_AT.size + TRANSFER_EVENT_BYTES,
};
const RICH: Weight = {
  records: 1,
  journalBytes: entityEventBytes(LIMITS.richBodyBytesMax),
  replyBytes: FRAME_BYTES + LIMITS.richBodyBytesMax,
};

function perRecord(journalBytes: number, replyBytes: number): (count: number) => Weight {
  return (count) => ({
    records: count,
    journalBytes: count * journalBytes,
    replyBytes: FRAME_BYTES + count * replyBytes,
  });
}

const accounts = perRecord(ACCOUNT_EVENT_BYTES, RESULT.size);
const accountChanges = perRecord(ACCOUNT_CHANGE_EVENT_BYTES, RESULT.size);
const transfers = perRecord(TRANSFER_EVENT_BYTES, RESULT.size);
const transfersWithBalances = perRecord(TRANSFER_EVENT_BYTES, RESULT.size + BALANCES.size);
const signals = perRecord(SIGNAL_EVENT_BYTES, RESULT.size);
const cards = perRecord(CARD_EVENT_BYTES, RESULT.size);
const cardLookups = perRecord(0, RESULT.size + CARD.size);
const cardUses = perRecord(CARD_USE_EVENT_BYTES, RESULT.size + CARD.size);
const codes = perRecord(PAYER_CODE_EVENT_BYTES, RESULT.size + PAYER_CODE.size);
const codeLookups = perRecord(0, RESULT.size + PAYER_CODE.size);
const codeDevices = perRecord(CODE_DEVICE_EVENT_BYTES, RESULT.size + CODE_DEVICE.size);
const codeDeviceLookups = perRecord(0, RESULT.size + CODE_DEVICE.size);
const accountLookups = perRecord(0, RESULT.size + ACCOUNT.size);
function payments(_count: number, flags: number): Weight {
  return (flags & RouterFlags.mayCross) === 0 ? PAYMENT : JOINT_PAYMENT;
}

/** A revert releases and refunds, and so does a cancellation: five legs, where the others have three at most. */
function reverts(count: number, flags: number): Weight {
  const weight = payments(count, flags);
  return { ...weight, journalBytes: weight.journalBytes + 2 * LEG_EVENT_BYTES };
}

const transferLookups = perRecord(0, RESULT.size + TRANSFER_EVENT_BYTES);
const paymentLookups = perRecord(0, RESULT.size + VIEW_BYTES_MAX);

/** One transfer a message is the hottest case: it does not allocate. */
const ONE_TRANSFER = transfers(1);

const WEIGHTS: Readonly<Record<CommandName, (count: number, flags: number) => Weight>> = {
  hello: () => RICH,
  ping: () => PAYMENT,
  createAccounts: accounts,
  createTransfers: (count, flags) => {
    if ((flags & FrameFlags.balances) !== 0) return transfersWithBalances(count);
    return count === 1 ? ONE_TRANSFER : transfers(count);
  },
  lookupAccounts: accountLookups,
  lookupTransfers: transferLookups,
  accountHistory: () => READ_PAGE,
  queryHistory: () => READ_PAGE,
  balancesAt: () => BALANCE,
  trialBalance: () => READ_PAGE,
  aggregate: () => READ_PAGE,
  changeAccounts: accountChanges,
  endChain: () => CHAIN,
  sale: payments,
  authorise: payments,
  capture: payments,
  void: payments,
  refund: payments,
  revert: reverts,
  release: payments,
  confirm: payments,
  cancelPayment: reverts,
  lookupPayments: paymentLookups,
  queryPayments: () => READ_PAGE,
  putParty: () => RICH,
  getParty: () => RICH,
  listParties: () => RICH,
  putTariff: () => RICH,
  putCampaign: () => RICH,
  activateRules: () => RICH,
  explainPayment: () => RICH,
  reportSignals: signals,
  putRiskList: () => RICH,
  getRiskList: () => RICH,
  putRiskExemption: () => RICH,
  readAccountRisk: () => RICH,
  putFreeze: () => RICH,
  endFreeze: () => RICH,
  openCase: () => RICH,
  changeCase: () => RICH,
  readCases: () => RICH,
  putOutbox: () => RICH,
  changeOutbox: () => RICH,
  removeOutbox: () => RICH,
  listOutbox: () => RICH,
  putOrder: () => RICH,
  readOrder: () => RICH,
  changeOrder: () => RICH,
  payOrder: () => RICH,
  refundOrder: () => RICH,
  putCounters: () => RICH,
  getCounters: () => RICH,
  payCounter: () => RICH,
  readChanges: () => RICH,
  putCards: cards,
  lookupCards: cardLookups,
  useCards: cardUses,
  issueCodes: codes,
  lookupCodes: codeLookups,
  putCodeDevice: codeDevices,
  lookupCodeDevices: codeDeviceLookups,
};

const BY_KIND = Array.from({ length: 256 }, (_, kind) => {
  const name = (Object.keys(COMMANDS) as CommandName[]).find((command) => COMMANDS[command].kind === kind);
  return name === undefined ? undefined : WEIGHTS[name];
});

/** Weight of a command of this kind. The kind exists: the frame was checked. */
export function weightOf(kind: number, flags: number, count: number): Weight {
  const weigh = BY_KIND[kind];
  if (weigh !== undefined) return weigh(count, flags);
  const weight =
    clearingWeight(kind, count) ??
    countWeight(kind, count) ??
    enquiryWeight(kind, count) ??
    jointWeight(kind, count, PAYMENT_JOURNAL);
  if (weight === undefined) throw new Error(`no command of kind ${kind}`);
  return weight;
}
