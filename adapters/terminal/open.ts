/** The card switch, opened: links listen, messages are processed, everything is counted. The one way into this adapter. */
import type { Gateway } from '../../engine/gateway.ts';
import { loadKeyFile } from './crypto/vault/key-file.ts';
import type { KeyVault } from './crypto/vault/key-vault.ts';
import { SoftwareVault } from './crypto/vault/software-vault.ts';
import type { Message } from './iso8583/message.ts';
import { openAcquirer } from './link/acquirer-listener.ts';
import { systemClock } from './link/clock.ts';
import { refusal } from './link/codes.ts';
import { openIssuer } from './link/issuer-link.ts';
import { type LinkFigures, LinkCounters } from './link/observer.ts';
import { Bank } from './processing/bank.ts';
import { type Issuer, NotOnUs } from './processing/not-on-us.ts';
import { OnUs } from './processing/on-us.ts';
import { Processor } from './processing/processor.ts';
import { StoreAndForward } from './processing/store-and-forward.ts';
import { readTerminalFile, type TerminalSetup } from './processing/terminal-file.ts';

export type TerminalLog = (link: string, level: 'info' | 'warn', text: string) => void;

/** What was counted of a link since it was opened. */
export interface TerminalFigures {
  readonly link: string;
  readonly isOpen: boolean;
  /** By message type. */
  readonly received: ReadonlyMap<string, number>;
  readonly sent: ReadonlyMap<string, number>;
  readonly events: LinkFigures['counts'];
}

export interface OpenTerminals {
  /** Ports of the links that listen, by name; also when 0 was asked for. */
  readonly ports: ReadonlyMap<string, number>;
  /** What was counted of each link. */
  figures(): TerminalFigures[];
  /** Takes no more messages, answers what is under way, and closes. */
  close(graceMs: number): Promise<void>;
}

/** What a card switch runs with. */
export interface TerminalParts {
  readonly setup: TerminalSetup;
  readonly vault: KeyVault;
}

/** The setup that a file describes with the keys that it names, or what is wrong with them. */
export function readTerminals(
  file: string,
): { readonly ok: true; readonly parts: TerminalParts } | { readonly ok: false; readonly problem: string } {
  const read = readTerminalFile(file);
  if (!read.ok) {
    const mistakes = read.mistakes.map(({ line, path, message }) =>
      line === 0 ? message : `${file}:${line}: ${path} ${message}`,
    );
    return { ok: false, problem: mistakes.join('\n') };
  }
  const { file: keyFile, master } = read.value.keys;
  const loaded = loadKeyFile(keyFile, master);
  if (!loaded.ok) return { ok: false, problem: loaded.errors.map(({ problem }) => problem).join('\n') };
  return { ok: true, parts: { setup: read.value, vault: new SoftwareVault(loaded.keys) } };
}

/** Throws when a key is missing or an address cannot be had; then nothing is open. */
export async function openTerminals(
  gateway: Gateway,
  { setup, vault }: TerminalParts,
  log: TerminalLog,
): Promise<OpenTerminals> {
  const bank = new Bank(gateway, setup.institution);
  const counters = new LinkCounters(log);
  const tools = { vault, clock: systemClock, observer: counters };
  const ports = new Map<string, number>();
  const listeners: { close(graceMs: number): Promise<void> }[] = [];
  const issuerLinks: { stop(graceMs: number): Promise<void> }[] = [];
  const issuers = new Map<string, Issuer>();
  const close = async (graceMs: number): Promise<void> => {
    // Acquirers first: what they have asked may still need an issuer.
    await Promise.all(listeners.map((listener) => listener.close(graceMs)));
    for (const { notices } of issuers.values()) notices.close();
    await Promise.all(issuerLinks.map((link) => link.stop(graceMs)));
  };
  const fail = async (problem: string): Promise<never> => {
    await close(0);
    throw new Error(problem);
  };

  const { queueKey: keyId = '' } = setup;
  if (setup.issuers.size > 0 && (await vault.find(keyId, SEALING)) === undefined) {
    await fail(`there is no key "${keyId}" of usage ${SEALING}, which seals what waits for an issuer`);
  }
  for (const config of setup.links.issuers) {
    const { name, spec } = config;
    // Of an answer that is late, its reversal is on its way already.
    const handlers = { late: () => undefined, cutover: async () => undefined };
    const opened = await openIssuer(config, handlers, { ...tools, random: Math.random });
    if (!opened.ok) return fail(opened.problem);
    const { link: connection } = opened;
    issuerLinks.push(connection);
    const note = (text: string): void => log(name, 'warn', text);
    const parts = {
      queue: name,
      spec,
      connection,
      bank,
      vault,
      keyId,
      clock: systemClock,
      nowMs: Date.now,
      note,
      ...TIMES,
    };
    const business = setup.issuers.get(name) ?? { settlement: new Map(), pins: undefined };
    issuers.set(name, { spec, business, connection, notices: new StoreAndForward(parts) });
  }
  const notOnUs = new NotOnUs(bank, vault, setup.tokenKey, issuers);
  const recovered = notOnUs.recover((link, text) => log(link, 'warn', text));
  await recovered.catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));

  const processor = new Processor({
    bank,
    ranges: setup.ranges,
    onUs: new OnUs(bank, vault, setup.tokenKey),
    notOnUs,
    acquirers: setup.acquirers,
    nowMs: Date.now,
    note: (link, mti, code, problem) => log(link, 'info', `${mti} answered ${code}: ${problem}`),
  });
  const handlers = {
    handle: async (message: Message, { link }: { readonly link: string }) =>
      (await processor.answer(link, message)) ?? refusal(message, 'unsupported'),
    // Business days begin by the clock: there is nothing to be closed.
    cutover: async () => undefined,
  };
  for (const config of setup.links.acquirers) {
    const opened = await openAcquirer(config, handlers, tools);
    if (!opened.ok) return fail(opened.problem);
    listeners.push(opened.listener);
    ports.set(config.name, opened.listener.port);
  }
  const figures = (): TerminalFigures[] =>
    [...ports.keys(), ...issuers.keys()].map((link) => {
      const { state, received, sent, counts: events } = counters.of(link);
      return { link, isOpen: state === 'listening' || state === 'up', received, sent, events };
    });
  return { ports, figures, close };
}

/** Of what is told to issuers later. */
const TIMES = { answerMs: 10_000, retryMs: 500 } as const;
/** Usage of keys for data (ANSI X9.143). */
const SEALING = 'D0';
