/** `sluice tr31 unwrap|wrap`: keys in key blocks of ANSI X9.143 (TR-31). */
import type { Command } from 'commander';
import {
  type OptionalBlock,
  TR31_VERSIONS,
  type Tr31Error,
  type Tr31Header,
} from '../../../adapters/terminal/crypto/tr31/header.ts';
import { checkValue, unwrapKey, wrapKey } from '../../../adapters/terminal/crypto/tr31/key-block.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { formatHex, readChoice, readHex } from '../hex.ts';
import { command, group } from '../options.ts';
import { details, json } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface UnwrapOptions {
  readonly kbpk: string;
  readonly block: string;
  readonly json?: boolean;
}

interface WrapOptions {
  readonly kbpk: string;
  readonly key: string;
  readonly blockVersion: string;
  readonly usage: string;
  readonly algorithm: string;
  readonly mode: string;
  readonly keyVersion: string;
  readonly exportability: string;
  readonly optional: readonly string[];
  readonly json?: boolean;
}

const KBPK = '88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6';
const BLOCK =
  'D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D207E2E417C07156A27E8E31DA05F7425509593D03A457DC34';

export function registerTr31(program: Command, terminal: Terminal): void {
  const tr31 = group(program, 'tr31', 'Wrap keys into key blocks (TR-31, ANSI X9.143) and unwrap them.');

  command(tr31, 'unwrap', 'Show the key in a block and what it is for. Fails when the block or its MAC is wrong.', [
    `sluice tr31 unwrap --kbpk ${KBPK} --block ${BLOCK}`,
  ])
    .requiredOption('--kbpk <hex>', 'Key block protection key: 32 or 48 hex digits; 32, 48 or 64 for version D.')
    .requiredOption('--block <text>', 'The key block.')
    .action((options: UnwrapOptions) => {
      const result = unwrapKey(readHex(options.kbpk, '--kbpk', [16, 24, 32]), options.block);
      if (!result.ok) throw failed(result);
      const { header } = result;
      const kcv = checkValue(header.algorithm, result.key) ?? '-';
      const key = formatHex(result.key);
      result.key.fill(0);
      const rows = [
        ['Key', key],
        ['Check value', kcv],
        ['Version', header.version],
        ['Usage', header.usage],
        ['Algorithm', header.algorithm],
        ['Mode of use', header.mode],
        ['Key version', header.keyVersion],
        ['Exportability', header.exportability],
        ...header.optional.map(({ id, data }) => [`Optional ${id}`, data] as const),
      ] as const;
      terminal.output.write(options.json === true ? json({ key, kcv, ...header }) : details(rows));
    });

  command(tr31, 'wrap', 'Make a key block around a key.', [
    `sluice tr31 wrap --kbpk ${KBPK} --key 0123456789ABCDEFFEDCBA9876543210 --usage E0 --algorithm T --mode X`,
    `sluice tr31 wrap --kbpk ${KBPK} --key 0123456789ABCDEFFEDCBA9876543210 --usage B0 --algorithm T --mode X --optional KS=00604B120F9292800000`,
  ])
    .requiredOption('--kbpk <hex>', 'Key block protection key: 32 or 48 hex digits; 32, 48 or 64 for version D.')
    .requiredOption('--key <hex>', 'The key to wrap.')
    .option('--block-version <letter>', 'A, B, C or D.', 'D')
    .requiredOption('--usage <code>', 'What the key is for: E0 cryptograms, B0 DUKPT base key, P0 PIN, M3 or M6 MAC …')
    .requiredOption('--algorithm <letter>', 'What it is a key of: A for AES, T for triple DES, D for DES, H for HMAC …')
    .requiredOption(
      '--mode <letter>',
      'E encrypt, D decrypt, B both, G make MACs, V verify them, C both, X derive, N any …',
    )
    .option('--key-version <text>', 'Two letters or digits.', '00')
    .option('--exportability <letter>', 'E, N or S.', 'N')
    .option('--optional <ID=text>', 'An optional block; can be given several times.', collect, [])
    .action((options: WrapOptions) => {
      const header: Tr31Header = {
        version: readChoice(options.blockVersion, '--block-version', TR31_VERSIONS),
        usage: options.usage,
        algorithm: options.algorithm,
        mode: options.mode,
        keyVersion: options.keyVersion,
        exportability: options.exportability,
        optional: options.optional.map(readOptional),
      };
      const result = wrapKey(readHex(options.kbpk, '--kbpk', [16, 24, 32]), header, readHex(options.key, '--key'));
      if (!result.ok) throw failed(result);
      terminal.output.write(options.json === true ? json({ block: result.block }) : `${result.block}\n`);
    });
}

function failed({ problem, code }: Tr31Error): CommandFailure {
  return new CommandFailure(problem, { code });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function readOptional(text: string): OptionalBlock {
  const [, id, data] = /^(..)=(.*)$/.exec(text) ?? [];
  if (id === undefined || data === undefined)
    throw new UsageError('--optional must be a name of two characters, = and its text');
  return { id, data };
}
