/** From a card message to its answer: read, routed by the card number, decided by whoever has the card. */
import type { Message } from '../iso8583/message.ts';
import { answerTo } from './answer.ts';
import type { Bank } from './bank.ts';
import type { AcquirerBusiness } from './business.ts';
import type { CardRanges } from './card-ranges.ts';
import { familyOf, readCardRequest, withoutZeros } from './card-request.ts';
import { messageClassOf } from './message-ids.ts';
import type { Enquiry, Outcome } from './enquiry.ts';
import type { NotOnUs } from './not-on-us.ts';
import type { OnUs } from './on-us.ts';
import { reconcile } from './settlement.ts';

/** Why a message was refused, for the log: without any value of the card. */
export type Notes = (link: string, mti: string, responseCode: string, problem: string) => void;

/** Second digit of the message type. */
const RECONCILIATION = '5';

export interface ProcessorParts {
  readonly bank: Bank;
  readonly ranges: CardRanges;
  readonly onUs: OnUs;
  readonly notOnUs: NotOnUs;
  readonly acquirers: ReadonlyMap<string, AcquirerBusiness>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly note: Notes;
}

export class Processor {
  readonly #parts: ProcessorParts;

  constructor(parts: ProcessorParts) {
    this.#parts = parts;
  }

  /** Answers a message of an acquirer's link. Undefined: it is nothing that is answered here. */
  async answer(link: string, message: Message): Promise<Message | undefined> {
    if (message.mti[1] === RECONCILIATION) return this.#reconcile(link, message);
    if (familyOf(message.mti) === undefined) return undefined;
    const decision = await this.#decide(link, message);
    if (decision.problem !== undefined) {
      this.#parts.note(link, message.mti, decision.responseCode, decision.problem);
    }
    return answerTo(message, decision);
  }

  async #reconcile(link: string, message: Message): Promise<Message> {
    const { acquirers, bank, nowMs, note } = this.#parts;
    const acquirer = acquirers.get(link);
    if (acquirer === undefined) return answerTo(message, { responseCode: '96' });
    const { answer, problem } = await reconcile(bank, acquirer, message, nowMs());
    if (problem !== undefined) note(link, message.mti, answer.text(39) ?? '', problem);
    return answer;
  }

  async #decide(link: string, message: Message): Promise<Outcome> {
    const { acquirers, nowMs, ranges, onUs, notOnUs } = this.#parts;
    const acquirer = acquirers.get(link);
    if (acquirer === undefined) return { responseCode: '96', problem: 'the link has no settlement accounts' };
    const read = readCardRequest(message);
    if (!read.ok) return read;
    const { request } = read;
    const range = ranges.find(request.pan);
    if (range === undefined) return { responseCode: '15', problem: 'no range has this card number' };
    const { stan, transmission, terminal } = request;
    const sender = withoutZeros(request.acquirer);
    const key = { link, terminal, stan, transmission, acquirer: sender, messageClass: messageClassOf(message.mti) };
    const enquiry: Enquiry = { acquirer, message, request, key, nowMs: nowMs() };
    return 'issuer' in range ? notOnUs.decide(enquiry, range) : onUs.decide(enquiry, range);
  }
}
