/**
 * The command line: one file per command, put together here. `run` is the whole program without the process: it takes
 * the words that were typed and answers the exit code.
 */

import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { ConfigError } from '../config/load.ts';
import { BackupError } from '../storage/backup-manifest.ts';
import { DirectoryError } from '../storage/directory.ts';
import { packageVersion } from '../version.ts';
import { registerAccount } from './commands/account.ts';
import { registerBackup } from './commands/backup.ts';
import { registerBench } from './commands/bench.ts';
import { registerCard } from './commands/card.ts';
import { registerCase } from './commands/case.ts';
import { registerClearing } from './commands/clearing.ts';
import { registerOutbox } from './commands/outbox.ts';
import { registerChanges } from './commands/changes.ts';
import { registerConfig } from './commands/config.ts';
import { registerDukpt } from './commands/dukpt.ts';
import { registerEmv } from './commands/emv.ts';
import { registerIso8583 } from './commands/iso8583.ts';
import { registerJournal } from './commands/journal.ts';
import { registerKey } from './commands/key.ts';
import { registerMac } from './commands/mac.ts';
import { registerPay } from './commands/pay.ts';
import { registerPayment } from './commands/payment.ts';
import { registerPinblock } from './commands/pinblock.ts';
import { registerQr } from './commands/qr.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { registerRestore } from './commands/restore.ts';
import { registerRisk } from './commands/risk.ts';
import { registerServe } from './commands/serve.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerSimulateTerminal } from './commands/simulate-terminal.ts';
import { registerSimulateIssuer } from './commands/simulate-issuer.ts';
import { registerTr31 } from './commands/tr31.ts';
import { registerTransfer } from './commands/transfer.ts';
import { registerTrialBalance } from './commands/trial-balance.ts';
import { registerVerify } from './commands/verify.ts';
import { registerWebhook } from './commands/webhook.ts';
import { CommandFailure, ExitCode, UsageError } from './errors.ts';
import { json } from './output.ts';
import { type Terminal, wantsColour } from './terminal.ts';

const ABOUT = 'Sluice, a payment switch: decides payments, posts them to a double-entry ledger, answers when durable.';

/** All commands, without having run any. */
export function buildProgram(terminal: Terminal): Command {
  const program = new Command('sluice');
  program
    .description(ABOUT)
    .version(packageVersion(), '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Show this page, or that of a command.')
    .helpCommand('help [command]', 'Show the page of a command.')
    .exitOverride()
    .showHelpAfterError('Run the command with --help to see how it is used.')
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => terminal.output.write(text),
      writeErr: (text) => terminal.errors.write(text),
      getOutHelpWidth: () => terminal.output.columns ?? 100,
      getErrHelpWidth: () => terminal.errors.columns ?? 100,
      getOutHasColors: () => wantsColour(terminal.output, terminal.environment),
      getErrHasColors: () => wantsColour(terminal.errors, terminal.environment),
    });
  for (const register of [
    registerServe,
    registerPay,
    registerAccount,
    registerTransfer,
    registerTrialBalance,
    registerPayment,
    registerRisk,
    registerCase,
    registerCard,
    registerOutbox,
    registerClearing,
    registerQr,
    registerReconcile,
    registerChanges,
    registerJournal,
    registerKey,
    registerWebhook,
    registerIso8583,
    registerBench,
    registerVerify,
    registerSimulate,
    registerSimulateTerminal,
    registerSimulateIssuer,
    registerDukpt,
    registerEmv,
    registerMac,
    registerPinblock,
    registerTr31,
    registerBackup,
    registerRestore,
    registerConfig,
  ]) {
    register(program, terminal);
  }
  return program;
}

/** Runs one command. Never throws for what a person can cause; a bug shows its stack and counts as a failure. */
export async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const program = buildProgram(terminal);
  try {
    await program.parseAsync(words, { from: 'user' });
    return ExitCode.ok;
  } catch (error) {
    return report(error, words.includes('--json'), terminal);
  }
}

function report(error: unknown, asJson: boolean, terminal: Terminal): number {
  // Commander has written its own message; help and version end this way too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  const { red } = pc.createColors(wantsColour(terminal.errors, terminal.environment));
  const say = (text: string): unknown => terminal.errors.write(`${red('error:')} ${text}\n`);
  if (error instanceof UsageError) {
    say(error.message);
    return ExitCode.usage;
  }
  if (error instanceof ConfigError) {
    if (asJson) terminal.output.write(json({ ok: false, problems: error.problems }));
    say(error.message);
    return ExitCode.configuration;
  }
  if (error instanceof DirectoryError || error instanceof BackupError) {
    if (asJson) terminal.output.write(json({ error: { message: error.message, problem: error.problem } }));
    say(error.message);
    return ExitCode.failure;
  }
  if (error instanceof CommandFailure) {
    if (asJson && !error.isReported)
      terminal.output.write(json({ error: { message: error.message, ...error.details } }));
    say(error.message);
    return ExitCode.failure;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (asJson) terminal.output.write(json({ error: { message: error instanceof Error ? error.message : text } }));
  say(text);
  return ExitCode.failure;
}
