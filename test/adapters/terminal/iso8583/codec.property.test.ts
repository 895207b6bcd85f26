// Invariant: a message of any fields with any values comes back from its bytes, in every specification; its bytes too.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CompiledField, compileSpec } from '../../../../adapters/terminal/iso8583/compile-spec.ts';
import { decodeMessage } from '../../../../adapters/terminal/iso8583/decode.ts';
import { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { SHIPPED_SPECS, shippedSpec } from '../../../../adapters/terminal/iso8583/shipped-specs.ts';

function text(characters: string, min: number, max: number): fc.Arbitrary<string> {
  return fc.string({ unit: fc.constantFrom(...characters), minLength: min, maxLength: max });
}

const DIGITS = '0123456789';

function anyValue({ type, length, prefixBytes }: CompiledField): fc.Arbitrary<string> {
  const min = prefixBytes === 0 ? length : 0;
  if (type === 'n') return text(DIGITS, min, length);
  if (type === 'z') return text(`${DIGITS}=`, min, length);
  if (type === 'x+n')
    return fc.tuple(fc.constantFrom('C', 'D'), text(DIGITS, length, length)).map((parts) => parts.join(''));
  if (type === 'b')
    return fc
      .uint8Array({ minLength: min, maxLength: length })
      .map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase());
  if (type === 'tlv')
    return fc.constantFrom(
      '',
      '9A03210720',
      '00DF81018102AABBFF',
      '9F26088877665544332211950500000080009F3704AABBCCDD',
    );
  return text(`${DIGITS}ABCxyz -/\u00e9\u0000`, min, length);
}

describe('every specification', () => {
  it.each(SHIPPED_SPECS)('%s', (name) => {
    const compiled = compileSpec(shippedSpec(name)!);
    if (!compiled.ok) throw new Error('does not compile');
    const { spec } = compiled;
    const fields = spec.body.fields.filter((field) => field !== undefined);
    const values = fc.record(Object.fromEntries(fields.map((field) => [field.number, anyValue(field)])), {
      requiredKeys: [],
    });
    const seen = new Set<string>();
    fc.assert(
      fc.property(values, text(DIGITS, 4, 4), (values, mti) => {
        const message = new Message(spec, mti);
        for (const [number, value] of Object.entries(values)) message.set(Number(number), value as string);
        const encoded = message.encode();
        if (!encoded.ok) throw new Error(JSON.stringify(encoded.problem));
        const decoded = decodeMessage(spec, encoded.bytes);
        if (!decoded.ok) throw new Error(JSON.stringify(decoded.problem));
        expect(decoded.message.mti).toBe(mti);
        expect(decoded.message.numbers().map(String)).toEqual(Object.keys(values));
        for (const [number, value] of Object.entries(values)) {
          expect(decoded.message.text(Number(number)), number).toBe(value);
          seen.add(number);
        }
        expect(decoded.message.encode()).toEqual(encoded);
      }),
      { numRuns: 60 },
    );
    expect(seen.size).toBe(127);
  });

  it.each(SHIPPED_SPECS)('%s: any bytes are read or refused, and what is read comes back', (name) => {
    const compiled = compileSpec(shippedSpec(name)!);
    if (!compiled.ok) throw new Error('does not compile');
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom('', '0200', '02002000000000000000'),
        (bytes, head) => {
          const isBcd = name.endsWith('bcd');
          const whole = Buffer.concat([Buffer.from(head, isBcd ? 'hex' : 'latin1'), bytes]);
          const decoded = decodeMessage(compiled.spec, whole);
          if (decoded.ok) expect(decoded.message.encode()).toEqual({ ok: true, bytes: whole });
          else expect(decoded.problem.offset).toBeLessThanOrEqual(whole.length);
        },
      ),
    );
  });
});
