/** `sluice dukpt tdes|aes`: the keys of a transaction from a base derivation key and a key serial number. */
import type { Command } from 'commander';
import {
  AES_DUKPT_KEY_TYPES,
  type AesDukptKeyType,
  type AesDukptUse,
  aesCounter,
  aesInitialKey,
  aesWorkingKey,
} from '../../../adapters/terminal/crypto/dukpt/aes-dukpt.ts';
import type { Derived } from '../../../adapters/terminal/crypto/dukpt/counter.ts';
import {
  tdesCounter,
  tdesInitialKey,
  tdesTransactionKeys,
} from '../../../adapters/terminal/crypto/dukpt/tdes-dukpt.ts';
import { UsageError } from '../errors.ts';
import { formatHex, readChoice, readHex } from '../hex.ts';
import { command, group } from '../options.ts';
import { details, json } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface DukptOptions {
  readonly bdk: string;
  readonly ksn: string;
  readonly json?: boolean;
}

interface AesOptions extends DukptOptions {
  readonly keyType?: string;
}

const KEY_TYPES = Object.keys(AES_DUKPT_KEY_TYPES) as readonly AesDukptKeyType[];

const WORKING_KEYS = {
  pin: 'PIN key',
  macRequest: 'MAC request key',
  macResponse: 'MAC response key',
  dataRequest: 'Data request key',
  dataResponse: 'Data response key',
} as const satisfies Partial<Record<AesDukptUse, string>>;

type WorkingKey = keyof typeof WORKING_KEYS;

export function registerDukpt(program: Command, terminal: Terminal): void {
  const dukpt = group(program, 'dukpt', 'Derive the keys of a transaction (DUKPT), with test keys.');

  const tdes = command(dukpt, 'tdes', 'ANSI X9.24-1:2009: the initial key of the device, PIN and MAC request key.', [
    'sluice dukpt tdes --bdk 0123456789ABCDEFFEDCBA9876543210 --ksn FFFF9876543210E00001',
  ]);
  addOptions(tdes, '32 hex digits', '16 to 20 hex digits').action((options: DukptOptions) => {
    const bdk = readHex(options.bdk, '--bdk', [16]);
    const ksn = readHex(options.ksn, '--ksn', [8, 9, 10]);
    const initial = expectDerived(tdesInitialKey(bdk, ksn));
    const ipek = formatHex(initial);
    const keys = tdesCounter(ksn) === 0 ? undefined : expectDerived(tdesTransactionKeys(bdk, ksn));
    const transactionKey = keys === undefined ? null : formatHex(keys.transaction);
    show(options, terminal, { ipek, transactionKey }, (use) => (keys === undefined ? null : formatHex(keys[use])));
  });

  const aes = command(dukpt, 'aes', 'ANSI X9.24-3:2017: the initial key of the device, PIN and MAC request key.', [
    'sluice dukpt aes --bdk FEDCBA9876543210F1F1F1F1F1F1F1F1 --ksn 123456789012345600000001',
  ]);
  addOptions(aes, '32, 48 or 64 hex digits', '24 hex digits')
    .option('--key-type <type>', `Type of the working keys: ${KEY_TYPES.join(', ')}; as the base key's when left out.`)
    .action((options: AesOptions) => {
      const bdk = readHex(options.bdk, '--bdk', [16, 24, 32]);
      const ksn = readHex(options.ksn, '--ksn', [12]);
      const type = options.keyType === undefined ? undefined : readChoice(options.keyType, '--key-type', KEY_TYPES);
      const ik = formatHex(expectDerived(aesInitialKey(bdk, ksn)));
      const isFirst = aesCounter(ksn) === 0;
      show(options, terminal, { ik }, (use) =>
        isFirst ? null : formatHex(expectDerived(aesWorkingKey(bdk, ksn, use, type))),
      );
    });
}

function addOptions(target: Command, keySize: string, serialSize: string): Command {
  return target
    .requiredOption('--bdk <hex>', `Base derivation key, ${keySize}. Only test keys belong here.`)
    .requiredOption('--ksn <hex>', `Key serial number with the counter of the transaction, ${serialSize}.`);
}

/** Prints the initial key and, unless the counter is 0 and there was no transaction yet, those of the transaction. */
function show(
  options: DukptOptions,
  terminal: Terminal,
  initial: { readonly ipek: string; readonly transactionKey: string | null } | { readonly ik: string },
  key: (use: WorkingKey) => string | null,
): void {
  if (options.json === true) {
    terminal.output.write(json({ ...initial, pinKey: key('pin'), macRequestKey: key('macRequest') }));
    return;
  }
  const rows = Object.entries(WORKING_KEYS).map(([use, name]) => [name, key(use as WorkingKey) ?? '-'] as const);
  const first = 'ik' in initial ? initial.ik : initial.ipek;
  const before = 'ik' in initial ? [] : [['Before variants', initial.transactionKey ?? '-'] as const];
  terminal.output.write(details([['Initial key', first], ...before, ...rows]));
}

function expectDerived<T>(derived: Derived<T>): T {
  if (!derived.ok) throw new UsageError(derived.problem);
  return derived.keys;
}
