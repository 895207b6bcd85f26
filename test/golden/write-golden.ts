/** Writes the golden vectors anew. Only after a deliberate change of the protocol: they are frozen otherwise. */
import { writeFileSync } from 'node:fs';
import { CLIENT_CODECS } from '../protocol/support/client-side.ts';
import { formatGolden, GOLDEN_FOLDER, type GoldenVector, toHex } from '../protocol/support/golden-file.ts';
import { writeRefusal, writeReply } from '../protocol/support/server-side.ts';
import { GOLDEN_CASES, type GoldenCase } from './golden-cases.ts';

function vectorOf(golden: GoldenCase, index: number): GoldenVector {
  const { name, command, input, value, refusal, checksum = false, balances = false } = golden;
  const requestId = command === 'hello' ? 0 : index + 1;
  const options = { requestId, checksum, balances };
  const request = { hex: toHex(CLIENT_CODECS[command].encode(input as never, options)), input };
  const reply =
    refusal === undefined
      ? { hex: toHex(writeReply(command, options, value)), value }
      : { hex: toHex(writeRefusal(options, refusal)), refusal };
  return { name, command, requestId, checksum, balances, request, reply };
}

for (const [family, cases] of Object.entries(GOLDEN_CASES)) {
  writeFileSync(new URL(`${family}.json`, GOLDEN_FOLDER), formatGolden(cases.map(vectorOf)));
}
