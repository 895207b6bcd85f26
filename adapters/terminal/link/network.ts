/** Network management that a peer asks for, on connections of either direction. */
import type { Message } from '../iso8583/message.ts';
import { accepted, networkKindOf, refusal } from './codes.ts';
import type { Connection } from './connection.ts';
import type { ReceivedKey } from './link-mac.ts';

export interface NetworkActions {
  /** The peer signed on or off. */
  sign(isOn: boolean): void;
  readonly isSignedOn: boolean;
  /** The peer's business day is over. Answered when the promise is kept. */
  cutover(message: Message): Promise<void>;
  note(text: string): void;
}

/**
 * Does what a 0800 asks for, and answers it. Session keys come in DE48 as a key block (ANSI X9.143) under the link's
 * exchange key; the answer has the key's check value there, and the MAC of the key before it.
 */
export async function manage(
  connection: Connection,
  message: Message,
  header: Buffer,
  actions: NetworkActions,
): Promise<void> {
  const kind = networkKindOf(message);
  let answer = accepted(message);
  let received: ReceivedKey | undefined;
  switch (kind) {
    case 'echo':
      break;
    case 'signOn':
    case 'signOff':
      actions.sign(kind === 'signOn');
      break;
    case 'cutover':
      if (actions.isSignedOn) await actions.cutover(message);
      else answer = refusal(message, 'notPermitted');
      break;
    case 'keyExchange': {
      const result = (await connection.mac?.receive((message.text(48) ?? '').trimEnd())) ?? 'this link has no MAC';
      if (typeof result === 'string') {
        actions.note(`the session key was not taken: ${result}`);
        answer = refusal(message, 'mac');
      } else {
        received = result;
        answer.set(48, result.checkValue);
      }
      break;
    }
    case undefined:
      answer = refusal(message, 'unsupported');
      break;
  }
  await connection.send(answer, header);
  if (received !== undefined) await connection.mac?.use(received);
}
