/** `sluice emv arqc|arpc`: the cryptogram of a card and the answer of its issuer. */
import type { Command } from 'commander';
import { type CryptogramKeys, makeCryptogram, makeResponse } from '../../../adapters/terminal/crypto/emv/cryptogram.ts';
import { rulesOf, SCHEME_NAMES } from '../../../adapters/terminal/crypto/emv/schemes.ts';
import { UsageError } from '../errors.ts';
import { formatHex, needed, readChoice, readDigits, readHex } from '../hex.ts';
import { command, group } from '../options.ts';
import { details, json } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface KeyOptions {
  readonly scheme: string;
  readonly imk: string;
  readonly pan: string;
  readonly psn: string;
  readonly atc: string;
  readonly un?: string;
  readonly derivation: string;
  readonly json?: boolean;
}

interface ArqcOptions extends KeyOptions {
  readonly data: string;
}

interface ArpcOptions extends KeyOptions {
  readonly arqc: string;
  readonly arc?: string;
  readonly csu?: string;
  readonly proprietary?: string;
}

const IMK = '12345678123456781234567812345678';
const CARD = '--pan 1234567890123456 --psn 00 --atc 3456';

export function registerEmv(program: Command, terminal: Terminal): void {
  const emv = group(program, 'emv', 'Make cryptograms of EMV cards and answers to them, with test keys.');

  const arqc = command(emv, 'arqc', 'Make the cryptogram of a card over data, and show its session key.', [
    `sluice emv arqc --scheme visa-cvn10 --imk ${IMK} ${CARD} --data 000000010000000000001000084000000010800840980704001111111158003456A08003242000`,
    `sluice emv arqc --scheme mchip-cvn16 --imk ${IMK} ${CARD} --un 11111111 --data 000000010000 --json`,
  ]);
  addKeyOptions(arqc)
    .requiredOption('--data <hex>', 'The whole input, before padding.')
    .action((options: ArqcOptions) => {
      const made = makeCryptogram(readKeys(options), readHex(options.data, '--data'));
      const shown = { arqc: formatHex(made.arqc), sessionKey: made.sessionKey };
      terminal.output.write(
        options.json === true
          ? json(shown)
          : details([
              ['ARQC', shown.arqc],
              ['Session key', shown.sessionKey],
            ]),
      );
    });

  const arpc = command(emv, 'arpc', "Make the issuer's answer to a cryptogram, and the value of tag 91.", [
    `sluice emv arpc --scheme visa-cvn10 --imk ${IMK} ${CARD} --arqc 26C8A1042D1CAF3E --arc 3030`,
    `sluice emv arpc --scheme visa-cvn18 --imk ${IMK} ${CARD} --arqc 55BE45DD2C9E0CBF --csu 00120000 --json`,
  ]);
  addKeyOptions(arpc)
    .requiredOption('--arqc <hex>', 'The cryptogram, 16 hex digits.')
    .option('--arc <hex>', 'Response code, 4 hex digits: all schemes but visa-cvn18 and visa-cvn22.')
    .option('--csu <hex>', 'Card status update, 8 hex digits: visa-cvn18 and visa-cvn22.')
    .option('--proprietary <hex>', 'Authentication data after the status update, at most 16 hex digits.')
    .option('--data <hex>', 'Not needed; taken so that the options of arqc can be used again.')
    .action((options: ArpcOptions) => {
      const keys = readKeys(options);
      const { arqc: cryptogram, arc, csu, proprietary } = options;
      if ((arc === undefined) === (csu === undefined)) throw new UsageError('give either --arc or --csu');
      const response = makeResponse(keys, readHex(cryptogram, '--arqc', [8]), {
        ...(arc === undefined ? {} : { arc: readHex(arc, '--arc', [2]) }),
        ...(csu === undefined ? {} : { csu: readHex(csu, '--csu', [4]) }),
        ...(proprietary === undefined ? {} : { proprietary: readHex(proprietary, '--proprietary') }),
      });
      if (!response.ok) throw new UsageError(response.problem);
      const shown = formatHex(response.arpc);
      terminal.output.write(
        options.json === true
          ? json({ arpc: shown })
          : details([
              ['ARPC', shown],
              ['Tag 91', formatHex(response.tag91)],
            ]),
      );
    });
}

function addKeyOptions(target: Command): Command {
  return target
    .requiredOption('--scheme <name>', `${SCHEME_NAMES.join(', ')}.`)
    .requiredOption(
      '--imk <hex>',
      "The issuer's master key for cryptograms, 32 hex digits. Only test keys belong here.",
    )
    .requiredOption('--pan <digits>', 'Card number, 12 to 19 digits.')
    .option('--psn <digits>', 'Card sequence number.', '00')
    .requiredOption('--atc <hex>', 'Transaction counter (9F36), 4 hex digits.')
    .option('--un <hex>', 'Unpredictable number (9F37), 8 hex digits: mchip-cvn16 and mchip-cvn17 need it.')
    .option('--derivation <option>', 'a, or b: hashes card numbers of more than 16 digits.', 'a');
}

function readKeys(options: KeyOptions): CryptogramKeys {
  const scheme = readChoice(options.scheme, '--scheme', SCHEME_NAMES);
  const needsNumber = rulesOf(scheme).session === 'mchip';
  const un = needsNumber ? needed(options.un, '--un', `for ${scheme}`) : (options.un ?? '00000000');
  return {
    scheme,
    imk: readHex(options.imk, '--imk', [16]),
    derivation: readChoice(options.derivation, '--derivation', ['a', 'b']),
    pan: readDigits(options.pan, '--pan', 12, 19),
    psn: readDigits(options.psn.padStart(2, '0'), '--psn', 2, 2),
    atc: readHex(options.atc, '--atc', [2]),
    un: readHex(un, '--un', [4]),
  };
}
