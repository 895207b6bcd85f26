/**
 * RISK_CONTEXT, as it follows a payment.
 *
 * reportSignals:  RISK_SIGNAL × n  → RESULT × n
 */
import {
  type ChannelName,
  Channels,
  countryNumber,
  RISK_CONTEXT,
  RISK_SIGNAL,
  RiskContextFlags,
  type SignalName,
  Signals,
} from '../risk.ts';
import { RESULT } from '../records.ts';
import { EncodeError } from './codec-error.ts';
import { buildRecordsFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';

/** What the caller knows of the circumstances of a payment; what is left out is not known. */
export interface RiskContextInput {
  readonly channel?: ChannelName;
  /** Keyed hashes: see RISK_CONTEXT. */
  readonly device?: bigint;
  readonly ip?: bigint;
  readonly card?: bigint;
  /** ISO 3166-1 alpha-2. */
  readonly country?: string | undefined;
  /** ISO 18245. */
  readonly mcc?: number;
  /** PBoC tier of a barcode payment: 1 = A … 4 = D. */
  readonly codeTier?: number;
  /** In degrees. */
  readonly location?: { readonly latitude: number; readonly longitude: number };
}

export interface SignalInput {
  readonly id: bigint;
  readonly accountId: bigint;
  readonly kind: SignalName;
  readonly device?: bigint;
}

/** What a RiskContextInput has in another form than the record. */
const BESIDE_CONTEXT = new Set(['channel', 'country', 'location'] as const);
const MICRODEGREES = 1_000_000;

/** Writes the context at `offset`. @throws EncodeError */
export function writeRiskContext(view: DataView, offset: number, context: RiskContextInput, path: string): void {
  const { channel = 'unknown', location, country } = context;
  const place = country === undefined ? 0 : countryNumber(country);
  if (place === undefined) throw new EncodeError(`${path}.country`, 'must be two capital letters');
  const { at } = RISK_CONTEXT;
  writeRecord(RISK_CONTEXT, view, offset, context, path, BESIDE_CONTEXT);
  view.setUint8(offset + at.channel, Channels[channel]);
  view.setUint16(offset + at.country, place, true);
  if (location === undefined) return;
  view.setUint8(offset + at.flags, RiskContextFlags.location);
  view.setUint32(offset + at.latitude, degrees(location.latitude, 90, `${path}.location.latitude`), true);
  view.setUint32(offset + at.longitude, degrees(location.longitude, 180, `${path}.location.longitude`), true);
}

/** Two's complement. */
function degrees(value: number, most: number, path: string): number {
  if (!(Math.abs(value) <= most)) throw new EncodeError(path, `must be −${most} … ${most}`);
  return Math.round(value * MICRODEGREES) >>> 0;
}

/** @throws EncodeError */
export function encodeReportSignals(signals: readonly SignalInput[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('reportSignals', options, signals, (body, offset, { kind, ...signal }, index) => {
    writeRecord(RISK_SIGNAL, body, offset, { ...signal, kind: Signals[kind] }, `signals[${index}]`);
  });
}

/** @throws DecodeError */
export function decodeReportSignals(reply: Reply): Result[] {
  expectReply(reply, 'reportSignals');
  expectEnd(reply, reply.count * RESULT.size);
  return Array.from({ length: reply.count }, (_, index) => readResult(reply.body, index * RESULT.size));
}
