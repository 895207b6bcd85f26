/** `sluice risk default|check|activate|end|explain|signal|replay`: the rules that payments pass. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { RiskExplanation } from '../../../protocol/bodies.ts';
import type { SignalInput } from '../../../protocol/codecs/risk-codec.ts';
import { formatId, parseId } from '../../../protocol/ids.ts';
import { type SignalName, Signals } from '../../../protocol/risk.ts';
import { OPTIONS } from '../../config/options.ts';
import { DEFAULT_RULES } from '../../risk/default-rules.ts';
import { readRuleFile } from '../../risk/read-rule-file.ts';
import type { ReplayedRules } from '../../risk/replay-rules.ts';
import type { RuleSet } from '../../risk/rule-set.ts';
import { subjectId } from '../../risk/subject-id.ts';
import { findPayment } from '../find-payment.ts';
import { readAccount, readCurrency, readNewId, readTime, readWhole } from '../arguments.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command, group } from '../options.ts';
import { details, formatTime, json, table } from '../output.ts';
import { expectOk } from '../results.ts';
import { addConnectionOptions, type ConnectionOptions, institutionOf, withClient } from '../session.ts';
import { languageOf, type Terminal } from '../terminal.ts';
import { registerRiskFreezes } from './risk-freezes.ts';
import { registerRiskLists } from './risk-lists.ts';

interface SignalOptions extends ConnectionOptions {
  readonly device?: string;
  readonly id?: string;
}

interface ReplayOptions {
  readonly dataDir?: string;
  readonly from?: string;
  readonly to?: string;
  readonly examples: string;
  readonly json?: boolean;
}

export function registerRisk(program: Command, terminal: Terminal): void {
  const risk = group(program, 'risk', 'The rules that payments pass: check, activate, explain and replay them.');

  command(risk, 'default', 'Print the rule set that ships with the switch.', [
    'sluice risk default > rules.yaml',
  ]).action(() => {
    terminal.output.write(DEFAULT_RULES);
  });

  command(risk, 'check <file>', 'Check a rule file (YAML or JSON); names every mistake with its line.', [
    'sluice risk check rules.yaml',
  ]).action((file: string, options: { json?: boolean }) => {
    const { version, rules } = readRules(file, options.json === true, terminal);
    const live = rules.filter(({ mode }) => mode === 'live').length;
    terminal.output.write(
      options.json === true
        ? json({ valid: true, version, rules: rules.length, live })
        : `${file} is a valid rule set: ${version}, ${rules.length} rules, ${live} of them live.\n`,
    );
  });

  const activate = command(risk, 'activate <file>', 'Put a rule file into force from the next payment on.', [
    'sluice risk activate rules.yaml',
  ]);
  addConnectionOptions(activate).action(async (file: string, options: ConnectionOptions) => {
    const ruleSet = readRules(file, options.json === true, terminal);
    await withClient(options, terminal, async (client) => {
      const result = await client.activateRules({ ruleSet });
      expectOk(result, terminal, { mistakes: result.mistakes });
      const { version, rules } = ruleSet;
      terminal.output.write(
        options.json === true ? json({ version }) : `In force: ${version}, ${rules.length} rules.\n`,
      );
    });
  });

  const end = command(risk, 'end', 'End the rules: payments go to the ledger as they come.', ['sluice risk end']);
  addConnectionOptions(end).action((options: ConnectionOptions) =>
    withClient(options, terminal, async (client) => {
      expectOk(await client.activateRules({}), terminal);
      terminal.output.write(options.json === true ? json({ version: null }) : 'No rules are in force.\n');
    }),
  );

  const explain = command(risk, 'explain <payment>', 'What the rules saw of a payment, and what they decided.', [
    'sluice risk explain order-17',
  ]);
  addConnectionOptions(explain).action((text: string, options: ConnectionOptions) =>
    withClient(options, terminal, async (client) => {
      const { payment } = await findPayment(client, text, terminal);
      const result = await client.explainPayment(payment.id);
      expectOk(result, terminal);
      if (result.explanation === undefined) throw new CommandFailure('the switch explained nothing');
      terminal.output.write(options.json === true ? json(result.explanation) : explained(result.explanation, terminal));
    }),
  );

  registerSignal(risk, terminal);
  registerRiskLists(risk, terminal);
  registerRiskFreezes(risk, terminal);
  registerReplay(risk, terminal);
}

function registerSignal(risk: Command, terminal: Terminal): void {
  const kinds = Object.keys(Signals).join(', ');
  const signal = command(
    risk,
    'signal <account> <currency> <kind>',
    `Tell the rules what happened to a payer: ${kinds}.`,
    ['sluice risk signal alice CNY authenticationFailed', 'sluice risk signal alice CNY rebound --device phone-2'],
  );
  addConnectionOptions(signal)
    .option('--device <name>', 'Which device; only a hash of it is sent.')
    .option('--id <id>', 'Id of the signal, or any text that stands for it: the same again counts only once.')
    .action((account: string, code: string, kind: string, options: SignalOptions) => {
      if (!Object.hasOwn(Signals, kind)) throw new UsageError(`the signal must be one of ${kinds}`);
      const currency = readCurrency(code);
      return withClient(options, terminal, async (client) => {
        const institution = institutionOf(client);
        const { device } = options;
        const input: SignalInput = {
          id: readNewId(options.id, institution),
          accountId: readAccount(account, currency, institution),
          kind: kind as SignalName,
          ...(device === undefined ? {} : { device: parseId(device) ?? subjectId('device', device) }),
        };
        const [result] = await client.reportSignals([input]);
        if (result !== undefined) expectOk(result, terminal);
        terminal.output.write(
          options.json === true ? json({ id: formatId(input.id) }) : `Noted: ${kind} of ${account}.\n`,
        );
      });
    });
}

function registerReplay(risk: Command, terminal: Terminal): void {
  command(risk, 'replay <file>', 'What a rule file would have decided of the payments in a data directory.', [
    'sluice risk replay rules.yaml',
    'sluice risk replay rules.yaml --from 2026-11-22 --to 2026-11-23 --json',
  ])
    .option('--data-dir <dir>', 'Data directory to read, also while the switch runs. (environment: SLUICE_DATA_DIR)')
    .option('--from <time>', 'Decide payments from this time on; those before are only counted.')
    .option('--to <time>', 'Decide payments before this time.')
    .option('--examples <number>', 'Payments to show of those that would be decided otherwise.', '10')
    .action(async (file: string, options: ReplayOptions) => {
      const ruleSet = readRules(file, options.json === true, terminal);
      const { replayDirectory } = await import('../../risk/replay-directory.ts');
      const report = await replayDirectory(
        options.dataDir ?? terminal.environment.SLUICE_DATA_DIR ?? OPTIONS.dataDir.default,
        ruleSet,
        {
          from: options.from === undefined ? 0 : Number(readTime(options.from, '--from')),
          to: options.to === undefined ? Number.POSITIVE_INFINITY : Number(readTime(options.to, '--to')),
          examplesMax: readWhole(options.examples, 'the number of examples', 0, 10_000),
        },
      );
      terminal.output.write(options.json === true ? json(report) : replayed(report));
    });
}

/** The checked rule set of a file. Writes every mistake and fails when there is one. */
function readRules(file: string, asJson: boolean, terminal: Terminal): RuleSet {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`the rule file cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  const read = readRuleFile(text);
  if ('ruleSet' in read) return read.ruleSet;
  const { mistakes } = read;
  terminal.output.write(
    asJson
      ? json({ valid: false, mistakes })
      : mistakes
          .map(
            ({ line, column, path, message }) =>
              `${file}:${line}:${column}: ${path === '' ? '' : `${path} `}${message}\n`,
          )
          .join(''),
  );
  throw new CommandFailure(`${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'} in ${file}`, {}, true);
}

function explained(explanation: RiskExplanation, terminal: Terminal): string {
  const { paymentId, ruleSet, outcome, tier, context, features, rules } = explanation;
  const language = languageOf(terminal.environment);
  const known = Object.entries(context).filter(([, value]) => value !== '' && value !== 0 && value !== null);
  const head = details([
    ['payment', paymentId],
    ['rule set', ruleSet],
    ['outcome', outcome],
    ['tier', String(tier)],
    ...known.map(([name, value]): [string, string] => [name, String(value)]),
  ]);
  const hit = rules.map(({ id, outcome: wanted, shadow, overridable, reason }) => [
    id,
    shadow ? `${wanted} (shadow)` : wanted,
    overridable ? 'yes' : 'no',
    reason[language],
  ]);
  const columns = (...titles: string[]) => titles.map((title) => ({ title }));
  const hits =
    hit.length === 0 ? 'No rule hit.\n' : `${table(columns('RULE', 'OUTCOME', 'OVERRIDABLE', 'REASON'), hit)}\n`;
  const rows = features.map(({ name, value }) => [name, String(value)]);
  return `${head}\n${hits}\n${table(columns('FEATURE', 'VALUE'), rows)}\n`;
}

function replayed({ payments, changed, changes, hits, examples }: ReplayedRules): string {
  const columns = (...titles: string[]) => titles.map((title) => ({ title }));
  const counted = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => [name, String(count)]);
  const parts = [`${payments} payments, ${changed} would be decided otherwise.`];
  if (changed > 0) parts.push(table(columns('CHANGE', 'PAYMENTS'), counted(changes)));
  if (Object.keys(hits).length > 0) parts.push(table(columns('RULE', 'HITS'), counted(hits)));
  const rows = examples.map(({ paymentId, at, was, wouldBe, rules }) => [
    formatTime(BigInt(at)),
    paymentId,
    `${was} → ${wouldBe}`,
    rules.join(', '),
  ]);
  if (rows.length > 0) parts.push(table(columns('AT', 'PAYMENT', 'CHANGE', 'RULES'), rows));
  return `${parts.join('\n\n')}\n`;
}
