/** The circumstances of a payment, as JSON and as RISK_CONTEXT. */
import { z } from 'zod';
import { type RiskContextInput, writeRiskContext } from '../../../protocol/codecs/risk-codec.ts';
import { type Id, parseId } from '../../../protocol/ids.ts';
import { type ChannelName, Channels, countryNumber } from '../../../protocol/risk.ts';
import { subjectId } from '../../risk/subject-id.ts';
import * as fields from './fields.ts';

const NAME_BYTES_MAX = 256;

/** A thing that is counted by, but must not be kept as it is: the switch keeps a hash. */
const named = (what: string) => fields.text(NAME_BYTES_MAX, `${what} Only a hash of it is kept.`);

export const riskContext = z.strictObject({
  channel: z.enum(Object.keys(Channels) as [ChannelName, ...ChannelName[]]).optional(),
  device: named("The payer's device, as you name it.").optional(),
  ip: named('Address that the request came from.').optional(),
  card: named('Token of the card; never its number.').optional(),
  country: fields
    .field({ type: 'string', pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2: where it is paid.' }, (value) =>
      typeof value === 'string' && countryNumber(value) !== undefined
        ? value
        : new fields.Fault('must be two capital letters'),
    )
    .optional(),
  mcc: fields.whole(0, 9999, 'ISO 18245 merchant category.').optional(),
  codeTier: fields.whole(1, 4, 'Of a barcode payment, how it was verified: PBoC tier A (1) to D (4).').optional(),
  location: z
    .strictObject({ latitude: fields.degrees(90, 'North'), longitude: fields.degrees(180, 'East') })
    .optional(),
});
export type RiskContextJson = z.infer<typeof riskContext>;

/** Writes the RISK_CONTEXT at `offset` of a body. */
export function encodeRiskContext(view: DataView, offset: number, json: RiskContextJson): void {
  const { channel, device, ip, card, country, mcc, codeTier, location } = json;
  const context = {
    ...(channel === undefined ? {} : { channel }),
    ...(device === undefined ? {} : { device: riskSubject('device', device) }),
    ...(ip === undefined ? {} : { ip: riskSubject('ip', ip) }),
    ...(card === undefined ? {} : { card: riskSubject('card', card) }),
    ...(country === undefined ? {} : { country }),
    ...(mcc === undefined ? {} : { mcc }),
    ...(codeTier === undefined ? {} : { codeTier }),
    ...(location === undefined ? {} : { location }),
  };
  writeRiskContext(view, offset, context satisfies RiskContextInput, 'risk');
}

/** A hash that the caller made himself is taken as it is. */
export function riskSubject(kind: string, text: string): Id {
  return parseId(text) ?? subjectId(kind, text);
}
