/**
 * Reads a merchant-presented code (EMVCo QRCPS-MPM 1.1) under the profile of its scheme.
 *
 * Checks in this order; the first that fails is answered: length, characters, tree of fields, 00 first, 63 last and four
 * hexadecimal digits, checksum, profile, each field in the order of the text, what is missing, the scheme's own account,
 * amount and tip.
 */
import { formatCrc } from './crc16.ts';
import { detectMerchant, matchProfile } from './detect-merchant.ts';
import { charactersBefore, type QrError, type QrResult, refuse } from './findings.ts';
import type { MerchantCode } from './merchant-code.ts';
import { type MerchantTree, readMerchant } from './merchant-read.ts';
import {
  type CheckedText,
  CRC_LENGTH,
  checkText,
  pathOf,
  QR_LENGTH_MAX,
  type TlvNode,
  TlvReader,
} from './merchant-text.ts';
import { MERCHANT_PROFILES, type MerchantProfileName, type SchemeProfile } from './profiles.ts';

const FORMAT = 0;
const CRC = 63;

/** @param forced the profile to keep the code to; undefined: that of the scheme it belongs to, `emvco` when to none */
export function decodeMerchant(text: string, forced?: MerchantProfileName): QrResult<MerchantCode> {
  if (text.length > QR_LENGTH_MAX) {
    return refuse('tooLong', '', QR_LENGTH_MAX, `a code has at most ${QR_LENGTH_MAX} characters, not ${text.length}`);
  }
  const checked = checkText(text);
  if (checked.badAt >= 0) return badCharacter(text, checked.badAt);
  const tree = readTree(text, checked);
  if ('code' in tree) return { ok: false, error: tree };
  const problem = checkFrame(text, tree.nodes, checked);
  if (problem !== undefined) return { ok: false, error: problem };

  const detected = forced === undefined ? detectMerchant(text, tree.nodes) : matchProfile(text, tree.nodes, forced);
  if (detected === undefined) return notOfProfile(text, tree.nodes, forced ?? 'emvco');
  return readMerchant(tree, detected);
}

export function badCharacter(text: string, at: number): { readonly ok: false; readonly error: QrError } {
  const point = (text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return refuse('badCharacter', '', charactersBefore(text, at), `U+${point} may not be in a code`);
}

/** The tree of fields; with lengths in bytes when it cannot be read with lengths in characters. */
function readTree(text: string, { isAscii, hasPairs }: CheckedText): MerchantTree | QrError {
  const reader = new TlvReader(text, !hasPairs, 'characters');
  const nodes = reader.readText();
  if (nodes !== undefined) return { text, hasPairs, nodes, unit: 'characters', reader };
  if (!isAscii) {
    const byBytes = new TlvReader(text, false, 'bytes');
    const fields = byBytes.readText();
    if (fields !== undefined) return { text, hasPairs, nodes: fields, unit: 'bytes', reader: byBytes };
  }
  const { code, path, at, message } = reader.fault ?? { code: 'badId', path: '', at: 0, message: '' };
  return { code, path, offset: charactersBefore(text, at), message };
}

/** What every code has, whatever its scheme: 00 first, 63 last, and a checksum that fits. */
function checkFrame(text: string, nodes: readonly TlvNode[], { crc }: CheckedText): QrError | undefined {
  const offset = (at: number): number => charactersBefore(text, at);
  const first = nodes[0];
  if (first === undefined) return { code: 'empty', path: '', offset: 0, message: 'there is nothing to read' };
  if (first.id !== FORMAT) {
    const path = pathOf('', first.id);
    return { code: 'wrongOrder', path, offset: 0, message: `a code begins with field 00, not with ${path}` };
  }
  const last = nodes.at(-1) ?? first;
  if (last.id !== CRC) {
    const checksum = nodes.find(({ id }) => id === CRC);
    if (checksum === undefined) {
      const message = 'the checksum, field 63, is missing at the end';
      return { code: 'missingField', path: '63', offset: offset(text.length), message };
    }
    const message = `field ${pathOf('', last.id)} stands behind the checksum, field 63, which has to be the last`;
    return { code: 'wrongOrder', path: '63', offset: offset(checksum.at), message };
  }
  const written = text.slice(last.from, last.to);
  if (last.to - last.from !== CRC_LENGTH || !isHex(written)) {
    const message = `the checksum is four hexadecimal digits, not "${written}"`;
    return { code: 'badCrc', path: '63', offset: offset(last.from), message };
  }
  if (Number.parseInt(written, 16) === crc) return undefined;
  const message = `the checksum is ${written}, but that of the text is ${formatCrc(crc)}: something was misread or changed`;
  return { code: 'crcMismatch', path: '63', offset: offset(last.from), message };
}

function notOfProfile(
  text: string,
  nodes: readonly TlvNode[],
  forced: MerchantProfileName,
): { readonly ok: false; readonly error: QrError } {
  const profile: SchemeProfile = MERCHANT_PROFILES[forced];
  const expected = profile.accounts.map(({ guid }) => `"${guid}"`).join(' or ');
  const { profile: found } = detectMerchant(text, nodes);
  const hint = found === 'emvco' ? '' : `; it is a ${found} code`;
  const message = `no account template (26 to 51) has the identifier of ${forced}, ${expected}${hint}`;
  return refuse('profileMismatch', '', 0, message);
}

function isHex(text: string): boolean {
  return /^[0-9A-Fa-f]+$/.test(text);
}
