/** `sluice mac`: message authentication codes as in fields 64 and 128. */
import type { Command } from 'commander';
import { aesCmac, retailMac, tdesCmac } from '../../../adapters/terminal/crypto/mac.ts';
import { formatHex, needed, readChoice, readHex } from '../hex.ts';
import { command } from '../options.ts';
import { details, json } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface MacOptions {
  readonly alg: string;
  readonly key: string;
  readonly data: string;
  readonly pad?: string;
  readonly cipher: string;
  readonly json?: boolean;
}

export function registerMac(program: Command, terminal: Terminal): void {
  const mac = command(program, 'mac', 'Make a message authentication code, with test keys.', [
    'sluice mac --alg retail --key 0123456789ABCDEFFEDCBA9876543210 --pad 1 --data 4E6F77206973207468652074696D6520666F7220616C6C20',
    'sluice mac --alg cmac --key 2B7E151628AED2A6ABF7158809CF4F3C --data 6BC1BEE22E409F96E93D7E117393172A --json',
  ]);
  mac
    .requiredOption('--alg <name>', 'retail (ISO/IEC 9797-1 algorithm 3) or cmac (NIST SP 800-38B).')
    .requiredOption('--key <hex>', 'retail: 32 hex digits; cmac: 32, 48 or 64. Only test keys belong here.')
    .requiredOption('--data <hex>', 'The message, before padding.')
    .option('--pad <method>', 'Padding of retail: 1 (zeros) or 2 (80, then zeros); cmac has its own.')
    .option('--cipher <name>', 'Cipher of cmac: aes or tdes.', 'aes')
    .action((options: MacOptions) => {
      const shown = formatHex(macOf(options));
      terminal.output.write(options.json === true ? json({ mac: shown }) : details([['MAC', shown]]));
    });
}

function macOf(options: MacOptions): Uint8Array {
  const data = readHex(options.data, '--data');
  if (readChoice(options.alg, '--alg', ['retail', 'cmac']) === 'cmac') {
    return readChoice(options.cipher, '--cipher', ['aes', 'tdes']) === 'aes'
      ? aesCmac(readHex(options.key, '--key', [16, 24, 32]), data)
      : tdesCmac(readHex(options.key, '--key', [16, 24]), data);
  }
  const pad = readChoice(needed(options.pad, '--pad', 'for retail: 1 or 2'), '--pad', ['1', '2']);
  return retailMac(readHex(options.key, '--key', [16]), data, pad === '1' ? 1 : 2);
}
