/** `sluice simulate-issuer`: the issuer of the cards that are not the sandbox's own, who answers, delays, dies and comes back. */
import type { Command } from 'commander';
import { SANDBOX_CURRENCY, sandboxIssuerVault } from '../../../adapters/terminal/sandbox.ts';
import { compileSpec } from '../../../adapters/terminal/iso8583/compile-spec.ts';
import type { Message } from '../../../adapters/terminal/iso8583/message.ts';
import { shippedSpec } from '../../../adapters/terminal/iso8583/shipped-specs.ts';
import { systemClock } from '../../../adapters/terminal/link/clock.ts';
import { LinkCounters } from '../../../adapters/terminal/link/observer.ts';
import { SimulatedIssuer } from '../../../adapters/terminal/simulate/issuer.ts';
import { formatMoney, readWhole } from '../arguments.ts';
import { CommandFailure } from '../errors.ts';
import { command } from '../options.ts';
import { json } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface IssuerOptions {
  readonly host: string;
  readonly port: string;
  readonly slowMs: string;
  readonly lateMs: string;
  readonly deadMs: string;
  readonly json?: boolean;
}

const MS_MAX = 600_000;
const FRAME = { framing: 'length2', messageBytesMax: 8192, stallSeconds: 30 } as const;
const SPEC = 'iso87-ascii';

export function registerSimulateIssuer(program: Command, terminal: Terminal): void {
  command(
    program,
    'simulate-issuer',
    "Be the other bank of the sandbox: approve and decline its visitor's payments, be late, be lost or die, as the last digits of an amount say (adapters/terminal/simulate). Ends with SIGINT or SIGTERM and shows what it has booked.",
    ['sluice simulate-issuer', 'sluice simulate-issuer --port 8584 --dead-ms 5000'],
  )
    .option('--host <host>', 'Address to listen on.', '127.0.0.1')
    .option('--port <port>', 'Port to listen on (--iso8583-issuer-port of the switch).', '8584')
    .option('--slow-ms <ms>', 'How long an answer takes to amounts that end in 91.00.', '500')
    .option('--late-ms <ms>', 'The same for 91.01: longer than the switch waits.', '5000')
    .option('--dead-ms <ms>', 'How long it is away when it has died.', '3000')
    .action((options: IssuerOptions) => simulate(options, terminal));
}

async function simulate(options: IssuerOptions, terminal: Terminal): Promise<void> {
  const data = shippedSpec(SPEC);
  const compiled = data === undefined ? undefined : compileSpec(data);
  if (compiled?.ok !== true) throw new CommandFailure(`there is no specification ${SPEC}`);
  const issuer = new SimulatedIssuer(
    {
      ...{
        name: 'issuer',
        host: options.host,
        port: readWhole(options.port, '--port', 0, 65_535),
        spec: compiled.spec,
      },
      ...{ ...FRAME, card: { keyId: 'imk' }, slowMs: readWhole(options.slowMs, '--slow-ms', 0, MS_MAX) },
      lateMs: readWhole(options.lateMs, '--late-ms', 0, MS_MAX),
      deadMs: readWhole(options.deadMs, '--dead-ms', 1, MS_MAX),
    },
    {
      ...{ vault: sandboxIssuerVault(), clock: systemClock },
      observer: new LinkCounters((_link, _level, text) => void terminal.errors.write(`${text}\n`)),
      watch: (message, what) => void terminal.output.write(lineOf(message, what, options.json === true)),
    },
  );
  const problem = await issuer.start();
  if (problem !== undefined) throw new CommandFailure(`cannot listen on ${options.host}:${options.port}: ${problem}`);
  terminal.errors.write(`The other bank answers on port ${issuer.port}.\n`);
  await new Promise((stopped) => {
    process.once('SIGINT', stopped);
    process.once('SIGTERM', stopped);
  });
  await issuer.stop();
  const totals = issuer.book.totals(String(SANDBOX_CURRENCY.numeric));
  if (options.json === true) return void terminal.output.write(json(totals));
  const { debits, credits, debitMinor, creditMinor, heldMinor } = totals;
  terminal.output.write(
    `booked: ${debits} payments of ${shown(debitMinor)}, ${credits} refunds of ${shown(creditMinor)}, held ${shown(heldMinor)}\n`,
  );
}

function lineOf(message: Message, what: string, asJson: boolean): string {
  const minor = Number(message.text(4) ?? '0');
  const stan = message.text(11) ?? '';
  if (asJson) return `${JSON.stringify({ type: message.mti, stan, amountMinor: minor, outcome: what })}\n`;
  return `${message.mti}  ${stan}  ${shown(minor)}  ${what}\n`;
}

function shown(minor: number): string {
  return formatMoney(BigInt(minor), SANDBOX_CURRENCY.numeric);
}
