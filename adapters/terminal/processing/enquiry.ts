/** A card message on its way to a decision, and what is told of it whoever decides: its ids, its reference, its risk context. */
import type { RiskContextInput } from '../../../protocol/codecs/risk-codec.ts';
import type { Id } from '../../../protocol/ids.ts';
import { resultSpec } from '../../../protocol/results.ts';
import type { ChannelName } from '../../../protocol/risk.ts';
import type { Message } from '../iso8583/message.ts';
import type { Decision } from './answer.ts';
import type { AcquirerBusiness } from './business.ts';
import type { CardRequest } from './card-request.ts';
import { idOf, type MessageKey, messageClassOf } from './message-ids.ts';
import type { EntryMode } from './transaction.ts';

/** A decision, and for the log why it is one that refuses; no value of the card is in it. */
export interface Outcome extends Decision {
  readonly problem?: string | undefined;
}

/** A message, with what the decision needs to know of its sender. */
export interface Enquiry {
  readonly acquirer: AcquirerBusiness;
  readonly message: Message;
  /** What `message` says. */
  readonly request: CardRequest;
  /** What tells the message from others. */
  readonly key: MessageKey;
  readonly nowMs: number;
}

/** An enquiry that can become a payment. */
export interface Asked extends Enquiry {
  /** Of what the message asks for. */
  readonly id: Id;
  /** The acquirer's account in the currency of the message. */
  readonly settlement: bigint;
}

/** What every enquiry must have, wherever the card is from. */
export function admit(enquiry: Enquiry): Asked | Outcome {
  const { acquirer, request, key, nowMs } = enquiry;
  const settlement = acquirer.settlement.get(request.currency);
  if (settlement === undefined) {
    return refused('57', `the link has no settlement account in currency ${request.currency}`);
  }
  const id = idOf(key, nowMs);
  if (id === undefined) return refused('30', 'field 7 is no time');
  return { acquirer, message: enquiry.message, request, key, nowMs, id, settlement };
}

export function refused(responseCode: string, problem: string): Outcome {
  return { responseCode, problem };
}

/** A result code of the engine as an answer. */
export function coded(code: number): Outcome {
  const { de39, en } = resultSpec(code);
  return { responseCode: de39, problem: en };
}

/** What tells the message that an advice or a reversal means from every other; undefined when field 90 does not say enough. */
export function originalKey({ request, key }: Enquiry): MessageKey | undefined {
  const { original } = request;
  if (original === undefined || original.mti === '' || original.stan === '' || original.transmission === '')
    return undefined;
  const { mti, stan, transmission } = original;
  const acquirer = original.acquirer === '' ? key.acquirer : original.acquirer;
  return { ...key, messageClass: messageClassOf(mti), stan, transmission, acquirer };
}

/** By what a payment is found when field 90 is not there or not filled: DE37, DE41 and DE42. */
export function referenceOf({ retrieval, terminal, merchant }: CardRequest): string {
  return `${retrieval}/${terminal}/${merchant}`;
}

/** Whether something is asked, and not told that has happened. */
export function isAsked({ family }: CardRequest): boolean {
  return family === 'authorisation' || family === 'financial';
}

/** Whether money is held and not taken yet. */
export function isHold({ family }: CardRequest): boolean {
  return family === 'authorisation' || family === 'authorisationAdvice';
}

const CHANNELS: Readonly<Record<EntryMode, ChannelName>> = {
  chip: 'cardPresent',
  contactless: 'contactless',
  magneticStripe: 'cardPresent',
  contactlessStripe: 'contactless',
  fallback: 'cardPresent',
  manual: 'cardPresent',
  ecommerce: 'ecommerce',
  unknown: 'cardPresent',
};

export function channelOf({ transaction, entryMode }: CardRequest): ChannelName {
  return transaction === 'cash' ? 'cash' : CHANNELS[entryMode];
}

/** What risk rules hear of a payment by card. */
export function riskOf(request: CardRequest, token: bigint): RiskContextInput {
  const { country, merchantCategory: mcc } = request;
  return { channel: channelOf(request), card: token, mcc, country: country === '' ? undefined : country };
}
