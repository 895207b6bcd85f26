/** The circumstances of a payment, from the command line. */
import type { Command } from 'commander';
import type { RiskContextInput } from '../../protocol/codecs/risk-codec.ts';
import { type Id, parseId } from '../../protocol/ids.ts';
import { type ChannelName, Channels, countryNumber } from '../../protocol/risk.ts';
import { subjectId } from '../risk/subject-id.ts';
import { UsageError } from './errors.ts';

export interface RiskOptions {
  readonly channel?: string;
  readonly device?: string;
  readonly ip?: string;
  readonly card?: string;
  readonly country?: string;
  readonly mcc?: string;
  readonly codeTier?: string;
  readonly location?: string;
}

const CHANNELS = Object.keys(Channels) as ChannelName[];
const CODE_TIERS = 'ABCD';

export function addRiskOptions(target: Command): Command {
  return target
    .option('--channel <channel>', `How the payment came: ${CHANNELS.join(', ')}.`)
    .option('--device <name>', "The payer's device; only a hash of it is sent.")
    .option('--ip <address>', 'Where the request came from; only a hash of it is sent.')
    .option('--card <token>', 'Token of the card; only a hash of it is sent.')
    .option('--country <code>', 'Where it is paid: ISO 3166-1 alpha-2, as CN.')
    .option('--mcc <number>', 'ISO 18245 merchant category.')
    .option('--code-tier <tier>', 'How a barcode payment was verified: PBoC tier A, B, C or D.')
    .option('--location <lat,lon>', 'Where the device or terminal is, in degrees.');
}

/** The `risk` of a payment; nothing when no option was given. @throws UsageError */
export function readRisk(options: RiskOptions): { readonly risk?: RiskContextInput } {
  const { channel, country, mcc, codeTier, location } = options;
  const risk: RiskContextInput = {
    ...(channel === undefined ? {} : { channel: readChannel(channel) }),
    ...subject(options, 'device'),
    ...subject(options, 'ip'),
    ...subject(options, 'card'),
    ...(country === undefined ? {} : { country: readCountry(country) }),
    ...(mcc === undefined ? {} : { mcc: readMcc(mcc) }),
    ...(codeTier === undefined ? {} : { codeTier: readCodeTier(codeTier) }),
    ...(location === undefined ? {} : { location: readLocation(location) }),
  };
  return Object.keys(risk).length === 0 ? {} : { risk };
}

function subject(options: RiskOptions, kind: 'device' | 'ip' | 'card'): Partial<Record<typeof kind, Id>> {
  const text = options[kind];
  return text === undefined ? {} : { [kind]: parseId(text) ?? subjectId(kind, text) };
}

function readChannel(text: string): ChannelName {
  const found = CHANNELS.find((name) => name === text);
  if (found === undefined) throw new UsageError(`--channel must be one of ${CHANNELS.join(', ')}`);
  return found;
}

function readCountry(text: string): string {
  if (countryNumber(text) === undefined) throw new UsageError('--country must be two capital letters');
  return text;
}

function readMcc(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new UsageError('--mcc must have four digits');
  return Number(text);
}

function readCodeTier(text: string): number {
  const tier = CODE_TIERS.indexOf(text) + 1;
  if (text.length !== 1 || tier === 0) throw new UsageError('--code-tier must be A, B, C or D');
  return tier;
}

function readLocation(text: string): { readonly latitude: number; readonly longitude: number } {
  const [latitude = Number.NaN, longitude = Number.NaN, ...rest] = text.split(',').map(Number);
  if (rest.length > 0 || !(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) {
    throw new UsageError('--location must be latitude and longitude in degrees, as 31.23,121.47');
  }
  return { latitude, longitude };
}
