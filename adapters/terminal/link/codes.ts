/** What links themselves say: message types, and the few codes that are no decision about a payment. */
import { Message } from '../iso8583/message.ts';

/** What a link refuses with: DE39 of 1987 and of 1993. */
const REFUSALS = {
  format: ['30', '904'],
  mac: ['63', '916'],
  notPermitted: ['58', '120'],
  unsupported: ['40', '902'],
  /** Too many messages are under way: try again. */
  busy: ['91', '907'],
  malfunction: ['96', '909'],
} as const;

export type Refusal = keyof typeof REFUSALS;

/** Network management: DE70 of 1987 (0800) and DE24 of 1993 (1804). */
const NETWORK_CODES = {
  signOn: ['001', '801'],
  signOff: ['002', '802'],
  keyExchange: ['161', '811'],
  cutover: ['201', '821'],
  echo: ['301', '831'],
} as const;

export type NetworkKind = keyof typeof NETWORK_CODES;

const NETWORK_KINDS = Object.keys(NETWORK_CODES) as readonly NetworkKind[];

/** What an answer takes over from its request; sensitive fields are not among them, and neither is the chip's data. */
const ECHOED = [3, 4, 7, 11, 12, 13, 24, 32, 33, 37, 41, 42, 49, 70];

/** A message that asks for an answer: its third digit is even. Undefined for anything that is no message type. */
export function isRequest(mti: string): boolean {
  return /^[0-9]{2}[02468][0-9]$/.test(mti);
}

export function isNetwork(mti: string): boolean {
  return mti[1] === '8';
}

/** 0200, 0201 → 0210; 1804, 1805 → 1814: the function is one higher, and a repeat is answered like the original. */
export function answerMti(mti: string): string {
  return mti.slice(0, 2) + String(Number(mti[2]) + 1) + originOf(mti);
}

/** What requests, repeats and answers have in common: version, class and function; 0200, 0201 and 0210 are `020`. */
export function exchangeOf(mti: string): string {
  return mti.slice(0, 2) + String(Number(mti[2]) & ~1);
}

function originOf(mti: string): string {
  return String(Number(mti[3]) & ~1);
}

/** An answer with what it must repeat of the request, and a code. */
export function answerTo(request: Message, code: string): Message {
  const answer = new Message(request.spec, answerMti(request.mti));
  for (const number of ECHOED) {
    const value = request.text(number);
    if (value !== undefined) answer.set(number, value);
  }
  return answer.set(39, code);
}

export function refusal(request: Message, why: Refusal): Message {
  return answerTo(request, REFUSALS[why][yearOf(request)]);
}

/** The answer to network management that was done. */
export function accepted(request: Message): Message {
  return answerTo(request, yearOf(request) === 0 ? '00' : '800');
}

export function isAccepted(answer: Message): boolean {
  const code = answer.text(39);
  return code === '00' || code === '800' || code === '000';
}

export function networkKindOf(message: Message): NetworkKind | undefined {
  const year = yearOf(message);
  const code = message.text(year === 0 ? 70 : 24);
  return NETWORK_KINDS.find((kind) => NETWORK_CODES[kind][year] === code);
}

/** A request for network management. */
export function networkRequest(spec: Message['spec'], kind: NetworkKind, stan: number, at: Date): Message {
  const year = spec.version === '0' ? 0 : 1;
  return new Message(spec, year === 0 ? '0800' : `${spec.version}804`)
    .set(7, transmissionTime(at))
    .set(11, String(stan).padStart(6, '0'))
    .set(year === 0 ? 70 : 24, NETWORK_CODES[kind][year]);
}

/** DE7: MMDDhhmmss in UTC. */
export function transmissionTime(at: Date): string {
  return at.toISOString().replace(/\D/g, '').slice(4, 14);
}

function yearOf({ spec }: Message): 0 | 1 {
  return spec.version === '0' ? 0 : 1;
}
