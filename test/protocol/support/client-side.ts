/** The client's codecs by command, for tests that go through all of them. */

import {
  decodeLookupCards,
  decodePutCards,
  decodeUseCards,
  encodeLookupCards,
  encodePutCards,
  encodeUseCards,
} from '../../../protocol/codecs/card-codec.ts';
import {
  decodeChangeAccounts,
  decodeCreateAccounts,
  decodeLookupAccounts,
  encodeChangeAccounts,
  encodeCreateAccounts,
  encodeLookupAccounts,
} from '../../../protocol/codecs/account-codec.ts';
import {
  buildFrame,
  expectEnd,
  expectReply,
  type FrameOptions,
  type Reply,
} from '../../../protocol/codecs/frame-codec.ts';
import { decodeAccountHistory, encodeAccountHistory } from '../../../protocol/codecs/history-codec.ts';
import {
  type ConfirmationInput,
  decodePayment,
  encodeCancellation,
  encodeConfirmation,
  encodePayment,
  encodePaymentOperation,
  type PaymentOperationCommand,
} from '../../../protocol/codecs/payment-codec.ts';
import {
  decodeLookupPayments,
  decodeQueryPayments,
  encodeLookupPayments,
  encodeQueryPayments,
} from '../../../protocol/codecs/payment-query-codec.ts';
import {
  decodeAggregate,
  decodeBalancesAt,
  decodeQueryHistory,
  decodeTrialBalance,
  encodeAggregate,
  encodeBalancesAt,
  encodeQueryHistory,
  encodeTrialBalance,
} from '../../../protocol/codecs/reading-codec.ts';
import {
  decodeIssueCodes,
  decodeLookupCodeDevices,
  decodeLookupCodes,
  decodePutCodeDevice,
  encodeIssueCodes,
  encodeLookupCodeDevices,
  encodeLookupCodes,
  encodePutCodeDevice,
} from '../../../protocol/codecs/payer-code-codec.ts';
import { decodeRegistry, encodeRegistry } from '../../../protocol/codecs/registry-codec.ts';
import {
  decodeChanges,
  decodeHello,
  decodeRich,
  encodeRich,
  type RichCommand,
} from '../../../protocol/codecs/rich-codec.ts';
import { decodeReportSignals, encodeReportSignals } from '../../../protocol/codecs/risk-codec.ts';
import {
  decodeCreateTransfers,
  decodeEndChain,
  decodeLookupTransfers,
  encodeCreateTransfers,
  encodeEndChain,
  encodeLookupTransfers,
} from '../../../protocol/codecs/transfer-codec.ts';
import type { CommandName } from '../../../protocol/commands.ts';
import type { RegistryCommand } from '../../../protocol/registry-bodies.ts';
import { fromHex } from './golden-file.ts';

interface ClientOptions extends FrameOptions {
  readonly balances?: boolean;
}

export interface ClientCodec {
  encode(input: never, options: ClientOptions): Uint8Array<ArrayBuffer>;
  decode(reply: Reply, options: ClientOptions): unknown;
}

const payment = (command: 'sale' | 'authorise'): ClientCodec => ({
  encode: (input, options) => encodePayment(command, input, options),
  decode: (reply) => decodePayment(reply, command),
});

const operation = (command: PaymentOperationCommand): ClientCodec => ({
  encode: (input, options) => encodePaymentOperation(command, input, options),
  decode: (reply) => decodePayment(reply, command),
});

const rich = (command: Exclude<RichCommand, 'hello' | 'readChanges'>): ClientCodec => ({
  encode: (input, options) => encodeRich(command, input, options),
  decode: (reply) => decodeRich(reply, command),
});

/** The proof as hex digits. */
function confirmation(input: ConfirmationInHex, options: ClientOptions): Uint8Array<ArrayBuffer> {
  return encodeConfirmation({ ...input, proof: fromHex(input.proof) }, options);
}

type ConfirmationInHex = Omit<ConfirmationInput, 'proof'> & { readonly proof: string };
const registry = (command: RegistryCommand): ClientCodec => ({
  encode: (input, options) => encodeRegistry(command, input, options),
  decode: (reply) => decodeRegistry(reply, command),
});

export const CLIENT_CODECS: Readonly<Record<CommandName, ClientCodec>> = {
  hello: { encode: (input, options) => encodeRich('hello', input, options), decode: decodeHello },
  ping: {
    encode: (_, options) => buildFrame('ping', options, { count: 0, bodyBytes: 0 }, () => {}),
    decode: (reply) => {
      expectReply(reply, 'ping');
      expectEnd(reply, 0);
      return {};
    },
  },
  createAccounts: { encode: encodeCreateAccounts, decode: decodeCreateAccounts },
  changeAccounts: { encode: encodeChangeAccounts, decode: decodeChangeAccounts },
  createTransfers: {
    encode: encodeCreateTransfers,
    decode: (reply, { balances }) => decodeCreateTransfers(reply, balances === true),
  },
  endChain: { encode: encodeEndChain, decode: decodeEndChain },
  putCards: { encode: encodePutCards, decode: decodePutCards },
  lookupCards: { encode: encodeLookupCards, decode: decodeLookupCards },
  useCards: { encode: encodeUseCards, decode: decodeUseCards },
  issueCodes: { encode: encodeIssueCodes, decode: decodeIssueCodes },
  lookupCodes: { encode: encodeLookupCodes, decode: decodeLookupCodes },
  putCodeDevice: { encode: encodePutCodeDevice, decode: decodePutCodeDevice },
  lookupCodeDevices: { encode: encodeLookupCodeDevices, decode: decodeLookupCodeDevices },
  lookupAccounts: { encode: encodeLookupAccounts, decode: decodeLookupAccounts },
  lookupTransfers: { encode: encodeLookupTransfers, decode: decodeLookupTransfers },
  accountHistory: { encode: encodeAccountHistory, decode: decodeAccountHistory },
  queryHistory: { encode: encodeQueryHistory, decode: decodeQueryHistory },
  balancesAt: { encode: encodeBalancesAt, decode: decodeBalancesAt },
  trialBalance: { encode: encodeTrialBalance, decode: decodeTrialBalance },
  aggregate: { encode: encodeAggregate, decode: decodeAggregate },
  sale: payment('sale'),
  authorise: payment('authorise'),
  capture: operation('capture'),
  void: operation('void'),
  refund: operation('refund'),
  revert: operation('revert'),
  release: operation('release'),
  cancelPayment: { encode: encodeCancellation, decode: (reply) => decodePayment(reply, 'cancelPayment') },
  confirm: { encode: confirmation, decode: (reply) => decodePayment(reply, 'confirm') },
  lookupPayments: { encode: encodeLookupPayments, decode: decodeLookupPayments },
  queryPayments: { encode: encodeQueryPayments, decode: decodeQueryPayments },
  putParty: rich('putParty'),
  getParty: rich('getParty'),
  listParties: rich('listParties'),
  putTariff: rich('putTariff'),
  putCampaign: rich('putCampaign'),
  activateRules: rich('activateRules'),
  explainPayment: rich('explainPayment'),
  reportSignals: { encode: encodeReportSignals, decode: decodeReportSignals },
  putRiskList: registry('putRiskList'),
  getRiskList: registry('getRiskList'),
  putRiskExemption: registry('putRiskExemption'),
  readAccountRisk: registry('readAccountRisk'),
  putFreeze: registry('putFreeze'),
  endFreeze: registry('endFreeze'),
  openCase: registry('openCase'),
  changeCase: registry('changeCase'),
  readCases: registry('readCases'),
  putOutbox: registry('putOutbox'),
  changeOutbox: registry('changeOutbox'),
  removeOutbox: registry('removeOutbox'),
  listOutbox: registry('listOutbox'),
  putOrder: registry('putOrder'),
  readOrder: registry('readOrder'),
  changeOrder: registry('changeOrder'),
  payOrder: registry('payOrder'),
  refundOrder: registry('refundOrder'),
  putCounters: registry('putCounters'),
  getCounters: registry('getCounters'),
  payCounter: registry('payCounter'),
  readChanges: {
    encode: (input, options) => encodeRich('readChanges', input, options),
    decode: decodeChanges,
  },
};

/** Commands of the parts of the client. */
export const CLIENT_PARTS: Readonly<Record<string, readonly ['cards' | 'codes', string]>> = {
  putCards: ['cards', 'put'],
  lookupCards: ['cards', 'lookup'],
  useCards: ['cards', 'use'],
  issueCodes: ['codes', 'issue'],
  lookupCodes: ['codes', 'lookup'],
  putCodeDevice: ['codes', 'putDevice'],
  lookupCodeDevices: ['codes', 'lookupDevices'],
};
