/** A message in a log: enough to find it, and of the card number first 6 and last 4. */
import type { Message } from '../iso8583/message.ts';
import { masked } from '../iso8583/view.ts';

/** `0200 (STAN "000123", terminal "T0000001", PAN 476173******0119)`; what could not be read is left out. */
export function describeMessage(message: Message): string {
  const stan = message.text(11);
  const terminal = message.text(41);
  const pan = message.text(2);
  const known = [
    stan === undefined ? [] : [`STAN ${JSON.stringify(stan)}`],
    // Peers put what they like into text: quoted, and control characters escaped.
    terminal === undefined ? [] : [`terminal ${JSON.stringify(terminal.trimEnd())}`],
    pan === undefined ? [] : [`PAN ${masked(pan, 'pan')}`],
  ].flat();
  const mti = message.mti === '' ? 'a message' : message.mti;
  return known.length === 0 ? mti : `${mti} (${known.join(', ')})`;
}
