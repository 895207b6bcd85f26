/** The circumstances of a payment as the client's encoder takes them, from what was sent. */
import type { Visible } from '../../../protocol/codecs/record-codec.ts';
import { Channels, countryText, type RISK_CONTEXT } from '../../../protocol/risk.ts';
import { nonZero } from './card-inputs.ts';

export function readContext(context: Visible<(typeof RISK_CONTEXT)['fields']>): Record<string, unknown> {
  const { channel, country, flags, latitude, longitude, ...rest } = context;
  const name = Object.entries(Channels).find(([, number]) => number === channel)?.[0];
  return {
    ...nonZero(rest),
    ...(channel === 0 ? {} : { channel: name }),
    ...(country === 0 ? {} : { country: countryText(country) }),
    ...(flags === 0 ? {} : { location: { latitude: (latitude | 0) / 1e6, longitude: (longitude | 0) / 1e6 } }),
  };
}
