/** The card switch, opened: links listen, messages are processed, everything is counted. The one way into this adapter. */
import type { Gateway } from '../../engine/gateway.ts';
import { loadKeyFile } from './crypto/vault/key-file.ts';
import type { KeyVault } from './crypto/vault/key-vault.ts';
import { SoftwareVault } from './crypto/vault/software-vault.ts';
import type { Message } from './iso8583/message.ts';
import { openAcquirer } from './link/acquirer-listener.ts';
import { systemClock } from './link/clock.ts';
import { refusal } from './link/codes.ts';
import { type LinkFigures, LinkCounters } from './link/observer.ts';
import { Bank } from './processing/bank.ts';
import { OnUs } from './processing/on-us.ts';
import { Processor } from './processing/processor.ts';
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
  const processor = new Processor({
    bank,
    ranges: setup.ranges,
    onUs: new OnUs(bank, vault, setup.tokenKey),
    acquirers: setup.acquirers,
    nowMs: Date.now,
    note: (link, mti, code, problem) => log(link, 'info', `${mti} answered ${code}: ${problem}`),
  });
  const counters = new LinkCounters(log);
  const tools = { vault, clock: systemClock, observer: counters };
  const handlers = {
    handle: async (message: Message, { link }: { readonly link: string }) =>
      (await processor.answer(link, message)) ?? refusal(message, 'unsupported'),
    // Business days begin by the clock: there is nothing to be closed.
    cutover: async () => undefined,
  };
  const ports = new Map<string, number>();
  const listeners: { close(graceMs: number): Promise<void> }[] = [];
  const close = async (graceMs: number): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close(graceMs)));
  };
  for (const config of setup.links.acquirers) {
    const opened = await openAcquirer(config, handlers, tools);
    if (!opened.ok) {
      await close(0);
      throw new Error(opened.problem);
    }
    listeners.push(opened.listener);
    ports.set(config.name, opened.listener.port);
  }
  const figures = (): TerminalFigures[] =>
    [...ports.keys()].map((link) => {
      const { state, received, sent, counts: events } = counters.of(link);
      return { link, isOpen: state === 'listening', received, sent, events };
    });
  return { ports, figures, close };
}
