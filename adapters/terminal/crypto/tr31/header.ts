/** The header of a key block: ANSI X9.143 (TR-31:2018), clause 5. All of it is printable ASCII. */

/** How key and header are bound together: A and C by variants, B by derivation under triple DES, D under AES. */
export const TR31_VERSIONS = ['A', 'B', 'C', 'D'] as const;
export type Tr31Version = (typeof TR31_VERSIONS)[number];

export interface Tr31Header {
  readonly version: Tr31Version;
  /** Two characters, such as `E0` (EMV master key for cryptograms), `B0` (DUKPT base key), `P0` (PIN encryption). */
  readonly usage: string;
  /** `A` AES, `D` DES, `T` triple DES, `H` HMAC, or another letter. */
  readonly algorithm: string;
  /** `B` both ways, `C` both for MACs, `D` decrypt, `E` encrypt, `G` make MACs, `N` any, `V` verify, `X` derive … */
  readonly mode: string;
  /** `00` is no version; `c…` a component. */
  readonly keyVersion: string;
  /** `E` under a trusted key, `N` not, `S` under any key. */
  readonly exportability: string;
  /** In their order, without the padding block. */
  readonly optional: readonly OptionalBlock[];
}

export interface OptionalBlock {
  readonly id: string;
  readonly data: string;
}

export const TR31_ERRORS = [
  'characters',
  'version',
  'length',
  'usage',
  'algorithm',
  'mode',
  'keyVersion',
  'exportability',
  'optionalBlocks',
  'protectionKey',
  'mac',
  'key',
] as const;

export interface Tr31Error {
  readonly ok: false;
  /** What is wrong. */
  readonly code: (typeof TR31_ERRORS)[number];
  /** What was expected and found; never key material. */
  readonly problem: string;
}

export type Tr31Result<T> = ({ readonly ok: true } & T) | Tr31Error;

const HEADER_LENGTH = 16;
const BLOCK_LENGTH_MAX = 9999;
const OPTIONAL_MAX = 99;
/** Fills the optional blocks up to whole cipher blocks. */
const PADDING_ID = 'PB';

export function refuse(code: Tr31Error['code'], problem: string): Tr31Error {
  return { ok: false, code, problem };
}

/** Bytes of a cipher block. */
export function blockBytesOf(version: Tr31Version): 8 | 16 {
  return version === 'D' ? 16 : 8;
}

/** Reads the header at the start of a key block. `headerLength` is up to where the encrypted key starts. */
export function readHeader(block: string): Tr31Result<{ header: Tr31Header; headerLength: number }> {
  if (block.length < HEADER_LENGTH) {
    return refuse('length', `a key block has at least ${HEADER_LENGTH} characters, not ${block.length}`);
  }
  if (!/^[ -~]*$/.test(block)) return refuse('characters', 'a key block is printable ASCII');
  const version = TR31_VERSIONS.find((known) => known === block[0]);
  if (version === undefined) return refuse('version', `the version must be A, B, C or D, not "${block[0]}"`);
  const stated = block.slice(1, 5);
  if (!/^\d{4}$/.test(stated) || Number(stated) !== block.length) {
    return refuse('length', `the header says ${stated} characters, the block has ${block.length}`);
  }
  const fields = {
    version,
    usage: block.slice(5, 7),
    algorithm: block.slice(7, 8),
    mode: block.slice(8, 9),
    keyVersion: block.slice(9, 11),
    exportability: block.slice(11, 12),
  };
  const count = block.slice(12, 14);
  if (!/^\d\d$/.test(count))
    return refuse('optionalBlocks', `the number of optional blocks must be digits, not "${count}"`);
  const optional: OptionalBlock[] = [];
  let at = HEADER_LENGTH;
  for (let number = 1; number <= Number(count); number++) {
    const one = readOptional(block, at, number);
    if (!one.ok) return one;
    at = one.end;
    if (one.id !== PADDING_ID) optional.push({ id: one.id, data: one.data });
    else if (number !== Number(count))
      return refuse('optionalBlocks', 'the padding block must be the last optional one');
  }
  const blockBytes = blockBytesOf(version);
  if (at % blockBytes !== 0) {
    return refuse(
      'optionalBlocks',
      `header and optional blocks have ${at} characters, not a multiple of ${blockBytes}`,
    );
  }
  const header = { ...fields, optional };
  return checkHeader(header) ?? { ok: true, header, headerLength: at };
}

/** What is wrong with the fields of a header, or undefined. */
export function checkHeader(header: Tr31Header): Tr31Error | undefined {
  const { usage, algorithm, mode, keyVersion, exportability, optional } = header;
  if (!/^[0-9A-Z]{2}$/.test(usage)) {
    return refuse('usage', `the key usage must be two capitals or digits, for example E0, not "${usage}"`);
  }
  if (!/^[ADEHRST0-9]$/.test(algorithm)) {
    return refuse('algorithm', `the algorithm must be A, D, E, H, R, S, T or a digit, not "${algorithm}"`);
  }
  if (!/^[BCDEGNSTVXY0-9]$/.test(mode)) {
    return refuse('mode', `the mode of use must be B, C, D, E, G, N, S, T, V, X, Y or a digit, not "${mode}"`);
  }
  if (!/^[0-9A-Za-z]{2}$/.test(keyVersion)) {
    return refuse('keyVersion', `the key version must be two letters or digits, not "${keyVersion}"`);
  }
  if (!/^[ENS]$/.test(exportability)) {
    return refuse('exportability', `the exportability must be E, N or S, not "${exportability}"`);
  }
  const wrong = optional.find(({ id, data }) => !/^[0-9A-Za-z]{2}$/.test(id) || !/^[ -~]*$/.test(data));
  return wrong === undefined
    ? undefined
    : refuse('optionalBlocks', `optional block "${wrong.id}" must have a name of two letters or digits and ASCII data`);
}

/** The header as text, optional blocks padded, for a key and MAC of `bodyLength` characters. */
export function writeHeader(header: Tr31Header, bodyLength: number): Tr31Result<{ text: string }> {
  const problem = checkHeader(header);
  if (problem !== undefined) return problem;
  const blocks = header.optional.map(({ id, data }) => id + lengthOf(data) + data);
  const length = HEADER_LENGTH + blocks.join('').length;
  const blockBytes = blockBytesOf(header.version);
  if (length % blockBytes !== 0) {
    // A padding block has a name and a length: four characters at least.
    const missing = blockBytes - (length % blockBytes);
    const size = missing < 4 ? missing + blockBytes : missing;
    blocks.push(`${PADDING_ID}${hexDigits(size)}${'0'.repeat(size - 4)}`);
  }
  const optional = blocks.join('');
  const total = HEADER_LENGTH + optional.length + bodyLength;
  if (blocks.length > OPTIONAL_MAX || total > BLOCK_LENGTH_MAX) {
    return refuse(
      'length',
      `a key block has at most ${BLOCK_LENGTH_MAX} characters and ${OPTIONAL_MAX} optional blocks`,
    );
  }
  const { version, usage, algorithm, mode, keyVersion, exportability } = header;
  const start = `${version}${String(total).padStart(4, '0')}${usage}${algorithm}${mode}${keyVersion}${exportability}`;
  return { ok: true, text: `${start}${String(blocks.length).padStart(2, '0')}00${optional}` };
}

/** Two hex digits count name, length and data; `00` announces a longer length: digits of the length, then the length. */
function readOptional(block: string, at: number, number: number): Tr31Result<OptionalBlock & { end: number }> {
  const id = block.slice(at, at + 2);
  let length = hexNumber(block.slice(at + 2, at + 4));
  let dataAt = at + 4;
  if (length === 0) {
    const digits = hexNumber(block.slice(at + 4, at + 6)) ?? 0;
    dataAt = at + 6 + digits;
    length = digits >= 2 && digits <= 4 ? hexNumber(block.slice(at + 6, dataAt)) : undefined;
  }
  const end = at + (length ?? 0);
  if (length === undefined || end < dataAt || end > block.length) {
    return refuse('optionalBlocks', `optional block ${number} at character ${at} has no valid length`);
  }
  if (!/^[0-9A-Za-z]{2}$/.test(id)) {
    return refuse('optionalBlocks', `optional block ${number} at character ${at} has no valid name`);
  }
  return { ok: true, id, data: block.slice(dataAt, end), end };
}

function lengthOf(data: string): string {
  const short = data.length + 4;
  return short <= 0xff ? hexDigits(short) : `0004${(data.length + 10).toString(16).toUpperCase().padStart(4, '0')}`;
}

function hexDigits(number: number): string {
  return number.toString(16).toUpperCase().padStart(2, '0');
}

function hexNumber(text: string): number | undefined {
  return /^[0-9A-F]+$/.test(text) ? Number.parseInt(text, 16) : undefined;
}
