import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../protocol/commands.ts';
import { PROTOCOL_VERSION } from '../../protocol/frame.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ACCOUNT, paymentViewBytes, RESULT, TRANSFER, TRANSFER_OUTCOME } from '../../protocol/records.ts';
import { CloseCodes, WEBSOCKET_PATH } from '../../protocol/websocket.ts';
import { README, regenerated } from './support/specification.ts';

const page = readFileSync(README, 'utf8');

/** The formatter pads tables. */
const unpadded = (text: string): string => text.replaceAll(/ +/g, ' ').replaceAll(/-{3,}/g, '---');

describe('the specification page', () => {
  it('is up to date', () => {
    expect(unpadded(page), 'run: npx tsx test/protocol/write-readme.ts').toBe(unpadded(regenerated(page)));
  });

  it('says of every command what it answers', () => {
    const section = page.slice(page.indexOf('## Commands'), page.indexOf('## Records'));
    for (const name of Object.keys(COMMANDS)) expect(section.split(`\`${name}\``).length, name).toBeGreaterThan(2);
  });

  it('has the version, the path, the close codes and the sizes that the code has', () => {
    expect(page).toContain(`version ${PROTOCOL_VERSION}`);
    expect(page).toContain(`\`${WEBSOCKET_PATH}\``);
    for (const code of Object.values(CloseCodes)) expect(page).toContain(`| ${code} |`);
    expect(RESULT.size + ACCOUNT.size).toBe(144);
    expect(RESULT.size + TRANSFER_OUTCOME.size + TRANSFER.size).toBe(192);
    const largest = 16 + LIMITS.lookupIdsMax * (RESULT.size + paymentViewBytes(LIMITS.referenceBytesMax)) + 4;
    expect(page).toContain(`${largest.toLocaleString('en-US')} bytes`);
  });
});
