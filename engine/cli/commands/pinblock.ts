/** `sluice pinblock encode|decode`: PIN blocks of ISO 9564-1, in clear or under a key. */
import type { Command } from 'commander';
import {
  decodePinBlock,
  encodePinBlock,
  type PinBlockFormat,
  type PinBlockResult,
  pinOf,
} from '../../../adapters/terminal/crypto/pin/pin-block.ts';
import { UsageError } from '../errors.ts';
import { formatHex, readChoice, readDigits, readHex } from '../hex.ts';
import { command, group } from '../options.ts';
import { details, json } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface BlockOptions {
  readonly format: string;
  readonly pan: string;
  readonly key?: string;
  readonly json?: boolean;
}

interface EncodeOptions extends BlockOptions {
  readonly pin: string;
  readonly fill?: string;
}

interface DecodeOptions extends BlockOptions {
  readonly block: string;
}

const FORMATS: Readonly<Record<'0' | '3' | '4', PinBlockFormat>> = { 0: 0, 3: 3, 4: 4 };

export function registerPinblock(program: Command, terminal: Terminal): void {
  const pinblock = group(program, 'pinblock', 'Make and read PIN blocks, with test keys and test PINs.');

  const encode = command(pinblock, 'encode', 'Make a PIN block: encrypted with --key, in clear without.', [
    'sluice pinblock encode --format 0 --pin 1234 --pan 5555555551234567',
    'sluice pinblock encode --format 4 --pin 1234 --pan 5555555551234567 --key 00112233445566778899AABBCCDDEEFF --json',
  ]);
  addOptions(encode)
    .requiredOption('--pin <digits>', 'The PIN, 4 to 12 digits. Only test PINs belong here.')
    .option('--fill <hex>', 'Fill of formats 3 (digits A to F) and 4 (16 hex digits); random when left out.')
    .action((options: EncodeOptions) => {
      const { format, pan, key } = read(options);
      const pin = pinOf(readDigits(options.pin, '--pin', 4, 12)) ?? new Uint8Array(0);
      const fill = options.fill === undefined ? undefined : readFill(options.fill, format, pin.length);
      const block = formatHex(expectBlock(encodePinBlock(format, pin, pan, key, fill)));
      pin.fill(0);
      terminal.output.write(options.json === true ? json({ block }) : details([['PIN block', block]]));
    });

  const decode = command(pinblock, 'decode', 'Read the PIN in a block, checking every digit of it.', [
    'sluice pinblock decode --format 0 --block 041261AAAAEDCBA9 --pan 5555555551234567',
  ]);
  addOptions(decode)
    .requiredOption('--block <hex>', 'The PIN block: 16 hex digits, 32 in format 4.')
    .action((options: DecodeOptions) => {
      const { format, pan, key } = read(options);
      const block = readHex(options.block, '--block', [format === 4 ? 16 : 8]);
      const digits = expectBlock(decodePinBlock(format, block, pan, key));
      const pin = digits.join('');
      digits.fill(0);
      terminal.output.write(options.json === true ? json({ pin }) : details([['PIN', pin]]));
    });
}

function addOptions(target: Command): Command {
  return target
    .requiredOption('--format <number>', '0, 3 or 4.')
    .requiredOption('--pan <digits>', 'Card number, 12 to 19 digits.')
    .option('--key <hex>', 'Triple DES key of 32 or 48 hex digits; for format 4 an AES key of 32, 48 or 64.');
}

function read(options: BlockOptions): { format: PinBlockFormat; pan: string; key: Uint8Array | undefined } {
  const format = FORMATS[readChoice(options.format, '--format', ['0', '3', '4'])];
  const pan = readDigits(options.pan, '--pan', 12, 19);
  const lengths = format === 4 ? [16, 24, 32] : [16, 24];
  return { format, pan, key: options.key === undefined ? undefined : readHex(options.key, '--key', lengths) };
}

/** What the encoder takes for random bytes, so that the fill becomes the one that is given. */
function readFill(text: string, format: PinBlockFormat, pinLength: number): () => Uint8Array {
  if (format === 4) {
    const fill = readHex(text, '--fill', [8]);
    return () => fill;
  }
  if (format === 0) throw new UsageError('--fill is for formats 3 and 4: format 0 is filled with F');
  const count = 14 - pinLength;
  if (!/^[A-Fa-f]+$/.test(text) || text.length !== count) {
    throw new UsageError(`--fill must be ${count} digits A to F for this PIN in format 3`);
  }
  const values = Array.from(text, (digit) => Number.parseInt(digit, 16) - 10);
  return () => Uint8Array.from([...new Uint8Array(pinLength), ...values]);
}

function expectBlock(result: PinBlockResult<Uint8Array>): Uint8Array {
  if (!result.ok) throw new UsageError(result.problem);
  return result.value;
}
