/** What goes on to an issuer: a request as it came, and what is kept of it until the issuer has heard how it ended. */
import type { CompiledSpec } from '../iso8583/compile-spec.ts';
import { Message } from '../iso8583/message.ts';

/** MACs are each link's own, and PIN blocks and key serial numbers are for those who share the key. */
const OWN_TO_A_LINK = [52, 53, 64, 128];
/**
 * What is kept and sent later. Not among them: tracks (35, 36, 45), PIN data (52, 53) and chip data (55), which may not be kept after
 * the decision (PCI DSS 3.3.1).
 */
const KEPT = [
  ...[2, 3, 4, 7, 11, 12, 13, 14, 15, 18, 19, 22, 23, 24, 25, 26, 28, 30, 32, 33],
  ...[37, 38, 39, 41, 42, 43, 49, 54, 56, 90, 95],
];
/** What only an advice about an outcome has. */
const OUTCOME = [38, 39, 54];

/** A request in the words of its issuer; a repeat is asked like what it repeats. */
export function forwarded(message: Message, spec: CompiledSpec): Message {
  const copy = message.translate(spec);
  copy.mti = copy.mti.slice(0, 3) + String(Number(copy.mti[3]) & ~1);
  for (const number of OWN_TO_A_LINK) copy.delete(number);
  return copy;
}

/**
 * An advice or reversal of an acquirer, with nothing in it that may not be kept.
 *
 * @param ofAdvice what it is about was never asked of the issuer, but told by an advice: that is named instead of the request
 */
export function passedOn(message: Message, spec: CompiledSpec, ofAdvice: boolean): Message {
  const whole = forwarded(message, spec);
  const picked = pickedFrom(whole, whole.mti, KEPT);
  const field = spec.version === '1' ? 56 : 90;
  const original = picked.text(field);
  if (ofAdvice && original !== undefined) picked.set(field, original.replace(/^(.[12])0/, '$12'));
  return picked;
}

/** Takes a request back (0420). It has the trace number of what it takes back: the message type tells them apart. */
export function reversalOf(request: Message): Message {
  const { spec } = request;
  const reversal = pickedFrom(
    request,
    `${spec.version}420`,
    KEPT.filter((number) => !OUTCOME.includes(number)),
  );
  const [stan = '', sent = '', local = '', acquirer = '', forwarder = ''] = [11, 7, 12, 32, 33].map((number) =>
    request.text(number),
  );
  return spec.version === '1'
    ? reversal.set(56, `${request.mti}${stan}${local}${String(acquirer.length).padStart(2, '0')}${acquirer}`)
    : reversal.set(90, `${request.mti}${stan}${sent}${acquirer.padStart(11, '0')}${forwarder.padStart(11, '0')}`);
}

/** Tells the issuer what was approved in its name (0120, 0220). */
export function adviceOf(request: Message, approvalCode: string): Message {
  const { spec, mti } = request;
  const advice = pickedFrom(request, `${mti.slice(0, 2)}20`, KEPT);
  return advice.set(38, approvalCode).set(39, spec.version === '1' ? '000' : '00');
}

function pickedFrom(message: Message, mti: string, numbers: readonly number[]): Message {
  const picked = new Message(message.spec, mti);
  for (const number of numbers) {
    const text = message.text(number);
    if (text !== undefined) picked.set(number, text);
  }
  return picked;
}

/** The content of a message as it is kept: type, then number and text of each field. */
export type KeptMessage = readonly [mti: string, ...fields: (readonly [number, string])[]];

export function keep(message: Message): KeptMessage {
  const fields = message.numbers().map((number): readonly [number, string] => [number, message.text(number) ?? '']);
  return [message.mti, ...fields];
}

export function restore([mti, ...fields]: KeptMessage, spec: CompiledSpec): Message {
  const message = new Message(spec, mti);
  for (const [number, text] of fields) message.set(number, text);
  return message;
}
