/** Commands of modules that stand beside payments and the ledger: cards, queues of what others have to be told. */
import { CARD, CARD_USE } from './cards.ts';
import type { CommandSpec } from './commands.ts';
import { CODE_DEVICE, PAYER_CODE } from './payer-codes.ts';

export const MODULE_COMMANDS = {
  putCards: {
    kind: 0x60,
    body: 'records',
    recordBytes: CARD.size,
    scope: 'ledger',
    summary: 'Register cards, or change what they may.',
  },
  lookupCards: {
    kind: 0x61,
    body: 'records',
    recordBytes: 16,
    scope: 'read',
    summary: 'Cards and what was seen of them, by token.',
  },
  useCards: {
    kind: 0x62,
    body: 'records',
    recordBytes: CARD_USE.size,
    scope: 'pay',
    summary: 'Judge what a card and its holder have shown for a payment.',
  },
  issueCodes: {
    kind: 0x68,
    body: 'records',
    recordBytes: PAYER_CODE.size,
    scope: 'pay',
    summary: 'Give payers one-time codes to show.',
  },
  lookupCodes: {
    kind: 0x69,
    body: 'records',
    recordBytes: 16,
    scope: 'read',
    summary: 'One-time codes and the payments that they were used for.',
  },
  putCodeDevice: {
    kind: 0x6a,
    body: 'record',
    recordBytes: CODE_DEVICE.size,
    scope: 'ledger',
    summary: 'Enrol a device that makes codes by itself, or change what it may.',
  },
  lookupCodeDevices: {
    kind: 0x6b,
    body: 'records',
    recordBytes: 16,
    scope: 'read',
    summary: 'Enrolled devices and what was seen of them.',
  },
  putOutbox: {
    kind: 0x64,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Keep what another system has to be told, in a queue.',
  },
  changeOutbox: {
    kind: 0x65,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Have an entry of a queue sent, or sent again later.',
  },
  removeOutbox: {
    kind: 0x66,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Take an entry out of its queue.',
  },
  listOutbox: {
    kind: 0x67,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Entries of a queue in the order in which they came, or those that expired, paged.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;
