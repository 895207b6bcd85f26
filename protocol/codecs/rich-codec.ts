/**
 * hello, putParty, getParty, listParties, putTariff, putCampaign, activateRules, explainPayment, readChanges: a MessagePack map (bodies.ts)
 *   → hello: HelloReply; readChanges: ChangesReply; the others: RichReply
 */
import type {
  ActivateRulesBody,
  CampaignBody,
  ExplainPaymentBody,
  GetPartyBody,
  HelloBody,
  HelloReply,
  ListPartiesBody,
  PartyBody,
  ReadChangesBody,
  RiskExplanation,
  StoredParty,
  TariffBody,
} from '../bodies.ts';
import type { Checked } from '../body-fields.ts';
import type { Change } from '../changes.ts';
import type { CommandName } from '../commands.ts';
import { LIMITS } from '../limits.ts';
import { decodeMessagePack, encodeMessagePack } from '../message-pack.ts';
import {
  parseActivateRulesBody,
  parseCampaignBody,
  parseChangesReply,
  parseExplainPaymentBody,
  parseGetPartyBody,
  parseHelloBody,
  parseHelloReply,
  parseListPartiesBody,
  parsePartyBody,
  parseReadChangesBody,
  parseRichReply,
  parseTariffBody,
} from '../parse-bodies.ts';
import { DecodeError, EncodeError } from './codec-error.ts';
import { buildFrame, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { type Result, resultOfCode } from './result-codec.ts';

interface RichBodies {
  readonly hello: HelloBody;
  readonly putParty: PartyBody;
  readonly getParty: GetPartyBody;
  readonly listParties: ListPartiesBody;
  readonly putTariff: TariffBody;
  readonly putCampaign: CampaignBody;
  readonly activateRules: ActivateRulesBody;
  readonly explainPayment: ExplainPaymentBody;
  readonly readChanges: ReadChangesBody;
}
export type RichCommand = keyof RichBodies;

const PARSERS: { readonly [C in RichCommand]: (value: unknown) => Checked<RichBodies[C]> } = {
  hello: parseHelloBody,
  putParty: parsePartyBody,
  getParty: parseGetPartyBody,
  listParties: parseListPartiesBody,
  putTariff: parseTariffBody,
  putCampaign: parseCampaignBody,
  activateRules: parseActivateRulesBody,
  explainPayment: parseExplainPaymentBody,
  readChanges: parseReadChangesBody,
};

/** Rich replies say no time: `timestamp` is 0 and `replayed` false. */
export interface RichResult extends Result {
  readonly party: StoredParty | undefined;
  readonly parties: readonly StoredParty[];
  /** Cursor of the next page; 0 = there is none. */
  readonly nextCursor: number;
  readonly explanation: RiskExplanation | undefined;
  /** With `ruleSetInvalid`. */
  readonly mistakes: readonly string[];
}

/** A page of the change stream, or why there is none. */
export interface ChangesResult extends Result {
  readonly changes: readonly Change[];
  /** Where to go on. */
  readonly nextCursor: number;
  readonly atEnd: boolean;
}

/** @throws EncodeError with the path of the first wrong field. */
export function encodeRich<C extends RichCommand>(
  command: C,
  body: RichBodies[C],
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  const checked = PARSERS[command](body);
  if (!checked.ok) throw new EncodeError(checked.path === '' ? command : `${command}.${checked.path}`, checked.message);
  const bytes = encodeMessagePack(checked.value);
  if (bytes.length > LIMITS.richBodyBytesMax) throw new EncodeError(command, `has ${bytes.length} bytes of body`);
  return buildFrame(command, options, { count: bytes.length, bodyBytes: bytes.length }, (view) => {
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes);
  });
}

/** @throws DecodeError */
export function decodeHello(reply: Reply): HelloReply {
  return readRich(reply, 'hello', parseHelloReply);
}

/** @throws DecodeError */
export function decodeRich(reply: Reply, command: Exclude<RichCommand, 'hello' | 'readChanges'>): RichResult {
  const { code, party, parties, nextCursor, explanation, mistakes } = readRich(reply, command, parseRichReply);
  return {
    ...resultOfCode(code),
    party,
    parties: parties ?? [],
    nextCursor: nextCursor ?? 0,
    explanation,
    mistakes: mistakes ?? [],
  };
}

/** @throws DecodeError */
export function decodeChanges(reply: Reply): ChangesResult {
  const { code, changes, nextCursor, atEnd } = readRich(reply, 'readChanges', parseChangesReply);
  return { ...resultOfCode(code), changes: changes ?? [], nextCursor: nextCursor ?? 0, atEnd: atEnd ?? false };
}

/** The checked body of a MessagePack reply. @throws DecodeError */
export function readRich<T>(reply: Reply, command: CommandName, parse: (value: unknown) => Checked<T>): T {
  expectReply(reply, command);
  const { buffer, byteOffset, byteLength } = reply.body;
  if (reply.count !== byteLength) throw new DecodeError(`${byteLength} bytes of body, ${reply.count} announced`);
  const value = decodeMessagePack(new Uint8Array(buffer, byteOffset, byteLength));
  if (value === undefined) throw new DecodeError('the body is not one MessagePack map');
  const checked = parse(value);
  if (!checked.ok) throw new DecodeError(`${checked.path} ${checked.message}`);
  return checked.value;
}
