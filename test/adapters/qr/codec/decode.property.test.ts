// No text crashes the decoder, takes it long, or comes out of it as something that does not make the same text again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeQr } from '../../../../adapters/qr/codec/decode.ts';
import { documentOf } from '../../../../adapters/qr/codec/document.ts';
import { encodeQr } from '../../../../adapters/qr/codec/encode.ts';
import { decodeMerchant } from '../../../../adapters/qr/codec/merchant-decode.ts';
import { reencodeMerchant } from '../../../../adapters/qr/codec/merchant-encode.ts';
import { PROFILE_NAMES } from '../../../../adapters/qr/codec/profiles.ts';
import { encodeConsumer } from '../../../../adapters/qr/codec/consumer-code.ts';
import { KNOWN_CONSUMER, KNOWN_PAYLOADS } from './known-payloads.ts';
import { sealed } from './make-code.ts';

const KNOWN = [...KNOWN_PAYLOADS.map(({ text }) => text), KNOWN_CONSUMER, 'upi://pay?pa=a@b&pn=A%20B&am=1.00&cu=INR'];
const profile = fc.option(fc.constantFrom(...PROFILE_NAMES), { nil: undefined });
const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.string({ maxLength: 5000 }),
);

/** A field whose length may lie. */
const field = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.integer({ min: 0, max: 99 }),
      value,
      fc.option(fc.integer({ min: 0, max: 99 }), { nil: undefined, freq: 8 }),
    )
    .map(([id, text, lie]) => {
      const length = lie ?? Math.min([...text].length, 99);
      return String(id).padStart(2, '0') + String(length).padStart(2, '0') + text;
    });
const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.stringMatching(/^[0-9.]{1,12}$/),
  fc.string({ unit: 'grapheme', maxLength: 10 }),
);
const fields = fc.array(
  field(
    fc.oneof(
      value,
      fc.array(field(value), { maxLength: 6 }).map((all) => all.join('')),
    ),
  ),
  { maxLength: 20 },
);
const sealedFields = fields.map((all) => sealed(`000201${all.join('')}`));

/** Up to five changes of a known code: a character for another, away, twice, or a piece from elsewhere. */
const mutated = fc
  .tuple(
    fc.constantFrom(...KNOWN),
    fc.array(fc.tuple(fc.nat(300), fc.nat(3), fc.string({ unit: 'binary', minLength: 1, maxLength: 3 })), {
      minLength: 1,
      maxLength: 5,
    }),
  )
  .map(([text, changes]) => {
    let changed = text;
    for (const [place, how, other] of changes) {
      const at = place % (changed.length + 1);
      const pieces = [other, '', changed.slice(at, at + 9).repeat(2), changed.slice(0, at)];
      changed = changed.slice(0, at) + pieces[how] + changed.slice(at + 1);
    }
    return changed;
  });

/** Decodes, and checks what always holds of the answer. */
function check(text: string, forced: string | undefined): void {
  const result = decodeQr(text, forced);
  if (!result.ok) {
    const { error } = result;
    expect(error.message).not.toBe('');
    expect(error.offset).toBeGreaterThanOrEqual(0);
    expect(error.offset).toBeLessThanOrEqual(text.length);
    return;
  }
  const { value: code } = result;
  const document = documentOf(code);
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  if (code.kind === 'consumer') expect(encodeConsumer(code.fields)).toEqual(result);
  else if (code.kind === 'merchant') {
    expect(encodeQr(document)).toEqual(result);
    expect(reencodeMerchant(code)).toEqual(result);
  } else if (code.kind === 'barcode') expect(encodeQr(document)).toEqual(result);
}

describe('whatever the text is, the decoder answers', () => {
  it.each([
    ['anything', anything, 4000],
    ['fields that may lie, without checksum', fields.map((all) => `000201${all.join('')}`), 3000],
    ['fields that may lie, with their checksum', sealedFields, 4000],
    ['known codes with changes', mutated, 6000],
    ['known codes with changes, sealed', mutated.map((text) => sealed(text.slice(0, -8))), 6000],
    ['digits', fc.stringMatching(/^[0-9]{0,30}$/), 2000],
    ['URIs', fc.string({ maxLength: 100 }).map((query) => `upi://pay?${query}`), 2000],
    [
      'objects in Base64',
      fc.uint8Array({ maxLength: 200 }).map((bytes) => `hQVDUFYwM${Buffer.from(bytes).toString('base64')}`),
      2000,
    ],
    [
      'objects of a consumer',
      fc
        .uint8Array({ maxLength: 60 })
        .map((bytes) =>
          Buffer.concat([Buffer.from('8505435056303161', 'hex'), Buffer.from([bytes.length]), bytes]).toString(
            'base64',
          ),
        ),
      2000,
    ],
  ] as const)('%s', (_, texts, numRuns) => {
    fc.assert(
      fc.property(texts, profile, (text, forced) => check(text, forced)),
      { numRuns },
    );
  });

  it('in a moment, however long and deep the text is', () => {
    const long = [
      '0'.repeat(4096),
      '00'.repeat(2048),
      sealed('0100'.repeat(1000)),
      sealed(`000201${'26990100'.repeat(500)}`),
      `000201${Array.from({ length: 99 }, (_, id) => `${String(id + 1).padStart(2, '0')}36${'9900'.repeat(9)}`).join('')}`,
      `hQVDUFYwMW${'E'.repeat(4086)}`,
      Buffer.concat([Buffer.from('85054350563031', 'hex'), Buffer.from('5A00'.repeat(1500), 'hex')]).toString('base64'),
      `upi://pay?${'a=&'.repeat(1300)}`,
      `upi://pay?${Array.from({ length: 1000 }, (_, at) => `p${at}=`).join('&')}`.slice(0, 4096),
      '😀'.repeat(2048),
      `000201${'59'}${'99'}${'é'.repeat(4000)}`,
      '1'.repeat(4096),
    ];
    for (const text of long) for (const forced of [undefined, ...PROFILE_NAMES]) decodeQr(text, forced);
    for (const text of long) {
      const start = process.hrtime.bigint();
      for (let count = 0; count < 20; count++) decodeQr(text);
      // The bound is wide: other work shares the machine.
      expect(Number(process.hrtime.bigint() - start) / 20 / 1e6, text.slice(0, 20)).toBeLessThan(50);
    }
  });
});

describe('lengths in bytes', () => {
  it('make the same text again', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(name, name, (merchant, city) => {
        const part = (id: string, text: string): string => id + String(Buffer.byteLength(text)).padStart(2, '0') + text;
        const account = part('26', `${part('00', 'br.gov.bcb.pix')}${part('01', 'key')}`);
        const text = sealed(
          `000201${account}520400005303986${part('58', 'BR')}${part('59', merchant)}${part('60', city)}`,
        );
        const read = decodeMerchant(text);
        if (!read.ok) {
          // Only what no code may hold is refused: controls, lone halves.
          expect([
            'badCharacter',
            'truncated',
            'badId',
            'badLength',
            'wrongOrder',
            'missingField',
            'duplicateField',
          ]).toContain(read.error.code);
          return;
        }
        expect(reencodeMerchant(read.value)).toEqual(read);
      }),
      { numRuns: 2000 },
    );
  });
});
