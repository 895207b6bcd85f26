/** Merchant codes for tests, made by other means than the codec: naive and short. */

export type Parts = readonly (readonly [id: string, value: string | Parts])[];

/** Fields with their lengths (characters), in the order given. */
export function tlv(parts: Parts): string {
  return parts
    .map(([id, value]) => {
      const text = typeof value === 'string' ? value : tlv(value);
      return id + String([...text].length).padStart(2, '0') + text;
    })
    .join('');
}

/** The checksum bit by bit, over UTF-8. */
export function naiveCrc(text: string): string {
  let crc = 0xffff;
  for (const byte of new TextEncoder().encode(text)) {
    for (let bit = 7; bit >= 0; bit--) {
      const isSet = ((crc >> 15) & 1) !== ((byte >> bit) & 1);
      crc = ((crc << 1) & 0xffff) ^ (isSet ? 0x1021 : 0);
    }
  }
  return crc.toString(16).toUpperCase().padStart(4, '0');
}

/** Text with the checksum that belongs to it. */
export function sealed(body: string): string {
  return `${body}6304${naiveCrc(`${body}6304`)}`;
}

/** An EMVCo code with nothing special. */
const PLAIN: Parts = [
  ['00', '01'],
  ['01', '11'],
  [
    '26',
    [
      ['00', 'D15600000000'],
      ['05', 'A93FO3230Q'],
    ],
  ],
  ['52', '4111'],
  ['53', '156'],
  ['58', 'CN'],
  ['59', 'BEST TRANSPORT'],
  ['60', 'BEIJING'],
];

/** The plain code with fields replaced (same id), taken away (undefined) or put at the end. */
export function plainWith(changes: Readonly<Record<string, string | Parts | undefined>>): string {
  const kept = PLAIN.flatMap(([id, value]) => {
    if (!Object.hasOwn(changes, id)) return [[id, value] as const];
    const changed = changes[id];
    return changed === undefined ? [] : [[id, changed] as const];
  });
  const added = Object.entries(changes).flatMap(([id, value]) =>
    value === undefined || PLAIN.some(([plain]) => plain === id) ? [] : [[id, value] as const],
  );
  return sealed(tlv([...kept, ...added]));
}

/** A PIX code, whose profile is lenient, changed in the same way. */
export function pixWith(changes: Readonly<Record<string, string | Parts | undefined>>): string {
  return plainWith({
    '26': [
      ['00', 'br.gov.bcb.pix'],
      ['01', 'key'],
    ],
    '53': '986',
    '58': 'BR',
    ...changes,
  });
}

/** Where a top-level field begins; walks as a reader does. */
export function topPlace(text: string, path: string): number {
  for (let at = 0; at < text.length; at += 4 + Number(text.slice(at + 2, at + 4))) {
    if (text.slice(at, at + 2) === path.slice(0, 2)) return at;
  }
  return Number.NaN;
}

/** The same code with a lower-case checksum. */
export function lowerCrc(text: string): string {
  const lower = text.slice(0, -4) + text.slice(-4).toLowerCase();
  if (lower === text) throw new Error('this checksum has no letters');
  return lower;
}

/** A plain code whose name's length counts bytes. */
export function byteLengths(name: string, of: (changes: Record<string, string>) => string = plainWith): string {
  const body = of({ '59': name }).slice(0, -8);
  const length = (bytes: number): string => `59${String(bytes).padStart(2, '0')}${name}`;
  return sealed(body.replace(length([...name].length), length(Buffer.byteLength(name))));
}
