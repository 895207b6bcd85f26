/** Cards and uses as the client's encoders take them, from what was sent. */
import { type CARD, type CARD_USE, CardProofs, CardStates, CardVerifications } from '../../../protocol/cards.ts';
import type { Visible } from '../../../protocol/codecs/record-codec.ts';
import { Channels } from '../../../protocol/risk.ts';

export function cardInput({
  state,
  channels,
  flags,
  ...card
}: Visible<(typeof CARD)['fields']>): Record<string, unknown> {
  const names = Object.entries(Channels).filter(([, channel]) => ((channels >> channel) & 1) === 1);
  return {
    ...nonZero(card),
    state: Object.entries(CardStates).find(([, value]) => value === state)?.[0],
    ...(channels === 0 ? {} : { channels: names.map(([name]) => name) }),
    ...(flags === 0 ? {} : { resetPin: true }),
  };
}

export function useInput(record: Visible<(typeof CARD_USE)['fields']>): Record<string, unknown> {
  const { channel, verification, proofs, ...use } = record;
  const has = (flag: number): boolean => (proofs & flag) !== 0;
  return {
    ...nonZero(use),
    channel: Object.entries(Channels).find(([, value]) => value === channel)?.[0],
    verification: Object.entries(CardVerifications).find(([, value]) => value === verification)?.[0],
    ...(has(CardProofs.cryptogram) ? { cryptogram: has(CardProofs.cryptogramValid) ? 'valid' : 'invalid' } : {}),
    ...(has(CardProofs.pin) ? { pin: has(CardProofs.pinRight) ? 'right' : 'wrong' } : {}),
  };
}

/** What was left out is zero. */
export function nonZero(record: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== 0 && value !== 0n));
}
