/** A simulated terminal's connection to an acquirer's link: signs on, asks, signs off. */
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import { SoftwareVault } from '../crypto/vault/software-vault.ts';
import type { CompiledSpec } from '../iso8583/compile-spec.ts';
import type { Message } from '../iso8583/message.ts';
import { systemClock } from '../link/clock.ts';
import { openIssuer } from '../link/issuer-link.ts';
import { parseLinks } from '../link/links-file.ts';
import { LinkCounters, type LinkState } from '../link/observer.ts';

export interface TillAddress {
  readonly host: string;
  readonly port: number;
  /** A specification that ships. */
  readonly spec: string;
  /** As in a links file; the key is in the vault. */
  readonly mac?: { readonly key: string; readonly algorithm: 'retail' | 'cmac' };
}

export interface Till {
  readonly spec: CompiledSpec;
  /** The answer, or why there is none. */
  ask(message: Message, timeoutMs: number): Promise<Message | string>;
  close(): Promise<void>;
}

/** Resolves when it has signed on; to a text when that was not possible in time. */
export async function openTill(
  { host, port, spec, mac }: TillAddress,
  timeoutMs: number,
  vault: KeyVault = new SoftwareVault([]),
): Promise<Till | string> {
  const link = { name: 'till', role: 'issuer', spec, mac, connect: { host, port }, window: 10_000 };
  const read = parseLinks(JSON.stringify({ links: [link] }), '.');
  const [config] = read.ok ? read.issuers : [];
  if (!read.ok || config === undefined) {
    return read.ok ? 'there is no link' : read.mistakes.map(({ path, message }) => `${path} ${message}`).join('; ');
  }
  const observer = new Announcer();
  const handlers = { late: () => undefined, cutover: () => Promise.resolve() };
  const tools = { vault, clock: systemClock, observer, random: Math.random };
  const opened = await openIssuer(config, handlers, tools);
  if (!opened.ok) return opened.problem;
  const isUp = await observer.reaches('up', timeoutMs);
  if (!isUp) {
    await opened.link.stop(0);
    return `no sign-on at ${host}:${port} within ${timeoutMs} ms`;
  }
  return {
    spec: config.spec,
    ask: (message, answerMs) => opened.link.request(message, answerMs),
    close: () => opened.link.stop(timeoutMs),
  };
}

/** Tells when a link has reached a state. */
class Announcer extends LinkCounters {
  #state: LinkState | undefined;
  #onState: () => void = () => undefined;

  constructor() {
    super(() => undefined);
  }

  override state(link: string, state: LinkState): void {
    super.state(link, state);
    this.#state = state;
    this.#onState();
  }

  reaches(wanted: LinkState, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = systemClock.after(timeoutMs, () => resolve(false));
      this.#onState = () => {
        if (this.#state !== wanted) return;
        cancel();
        resolve(true);
      };
      this.#onState();
    });
  }
}
