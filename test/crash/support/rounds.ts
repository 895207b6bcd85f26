/** Load, kill, restart, ask again: the round that every crash test repeats on one data directory. */
import { expect } from 'vitest';
import type { SluiceClient } from '../../../protocol/client/client.ts';
import { connectNode } from '../../../protocol/client/node.ts';
import { randomWords } from '../../engine/storage/support.ts';
import { makeKey, type RunningSwitch, run, startSwitch } from '../../support/switch.ts';
import { type Asked, ask, differences, Model, openAccounts, Strand } from './load.ts';

const CONNECTIONS = 4;
const STRANDS = 48;
/** Answered requests of earlier rounds that are asked again in each round. */
const OLD_ASKED_AGAIN = 200;

export interface RoundCounts {
  readonly answered: number;
  readonly unanswered: number;
}

export class CrashSeries {
  readonly dataDir: string;
  readonly #random: () => number;
  readonly #model = new Model();
  readonly #old: Asked[] = [];
  #strands: Strand[] = [];
  #key = '';

  constructor(dataDir: string, seed: number) {
    this.dataDir = dataDir;
    this.#random = randomWords(seed);
  }

  /** Starts the switch and proves that everything asked before the last stop is there, once. */
  async start(flags: readonly string[] = []): Promise<RunningSwitch> {
    if (this.#key === '') this.#key = await makeKey(this.dataDir);
    const running = await startSwitch(this.dataDir, flags);
    await this.#withClients(running, 1, async ([client]) => {
      if (client === undefined) throw new Error('no client');
      await openAccounts(client);
      await Promise.all(this.#strands.map((strand) => this.#askAgain(client, strand.asked)));
      for (const { asked } of this.#strands) for (const one of asked) this.#model.apply(one);
      expect(await differences(client, this.#model)).toEqual([]);
      const old = Array.from({ length: this.#old.length === 0 ? 0 : OLD_ASKED_AGAIN }, () => {
        return this.#old[this.#random() % this.#old.length] as Asked;
      });
      await Promise.all(old.map((one) => this.#askAgain(client, [one])));
      expect(await differences(client, this.#model)).toEqual([]);
    });
    for (const { asked } of this.#strands) this.#old.push(...asked);
    this.#strands = [];
    return running;
  }

  /** Drives the switch hard until `stop` has ended it. */
  async load(running: RunningSwitch, stop: (random: () => number) => Promise<unknown>): Promise<RoundCounts> {
    let isStopped = false;
    this.#strands = Array.from({ length: STRANDS }, () => new Strand(randomWords(this.#random())));
    await this.#withClients(running, CONNECTIONS, async (clients) => {
      const strands = this.#strands.map((strand, index) => {
        const client = clients[index % clients.length] as SluiceClient;
        return strand.run(client, () => isStopped).catch(() => undefined);
      });
      await stop(this.#random);
      isStopped = true;
      await Promise.all(strands);
    });
    const asked = this.#strands.flatMap((strand) => strand.asked);
    const answered = asked.filter(({ answer }) => answer !== undefined).length;
    return { answered, unanswered: asked.length - answered };
  }

  /** What `sluice verify` says of the directory. */
  async verify(): Promise<Record<string, unknown>> {
    const { output, errors } = await run(['verify', this.dataDir, '--json']);
    if (output === '') throw new Error(errors);
    return JSON.parse(output);
  }

  /** In the order of the strand: an answer that was given is given again, and a question without one is answered now. */
  async #askAgain(client: SluiceClient, asked: readonly Asked[]): Promise<void> {
    for (const one of asked) {
      const answer = await ask(client, one.request);
      if (one.answer !== undefined) {
        expect(answer).toEqual({ ...one.answer, replayed: one.answer.codes.map(() => true) });
      }
      one.answer ??= answer;
    }
  }

  async #withClients(
    running: RunningSwitch,
    count: number,
    use: (clients: readonly SluiceClient[]) => Promise<void>,
  ): Promise<void> {
    const options = { url: running.url, key: this.#key, reconnect: { attemptsMax: 0 }, requestTimeoutMs: 20_000 };
    const clients = await Promise.all(Array.from({ length: count }, () => connectNode(options)));
    try {
      await use(clients);
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  }
}
