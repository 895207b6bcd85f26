/** A card and a terminal for tests. */
import { expect } from 'vitest';
import type { Scheme } from '../../../../adapters/terminal/crypto/emv/schemes.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import {
  type MadeMessage,
  type TerminalData,
  VirtualTerminal,
} from '../../../../adapters/terminal/simulate/terminal.ts';
import { VirtualCard } from '../../../../adapters/terminal/simulate/virtual-card.ts';
import { hex, SeededBytes } from '../../../support/seeded-bytes.ts';
import { ASCII, MAC_KEY } from '../link/harness.ts';

export function testCard(scheme: Scheme = 'visa-cvn18', imk = MAC_KEY): VirtualCard {
  return new VirtualCard({ scheme, pan: '4761739001010119', psn: '01', expiry: '2912', imk: hex(imk) });
}

export function testTerminal(changes: Partial<TerminalData> = {}): VirtualTerminal {
  const seeded = new SeededBytes(8583);
  return new VirtualTerminal({
    spec: ASCII,
    terminal: 'T0000001',
    merchant: 'M0000001',
    acquirer: '12345',
    category: '5411',
    country: '156',
    currency: '156',
    utcOffsetMinutes: 0,
    now: () => new Date(Date.UTC(2026, 11, 31, 20, 30, 15)),
    random: (count) => seeded.bytes(count),
    ...changes,
  });
}

export function made(result: MadeMessage): Message {
  return result.ok ? result.message : expect.fail(result.problem);
}
