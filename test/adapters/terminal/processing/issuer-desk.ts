/** A desk before an issuer: partitions in memory, a link over a real socket, a simulated issuer who misbehaves by amounts. */
import type { CommandEnvelope, Gateway, ReplyCursor, ReplySink } from '../../../../engine/gateway.ts';
import { Code } from '../../../../protocol/results.ts';
import { systemClock } from '../../../../adapters/terminal/link/clock.ts';
import { openIssuer } from '../../../../adapters/terminal/link/issuer-link.ts';
import { LinkCounters } from '../../../../adapters/terminal/link/observer.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { Bank as CardBank } from '../../../../adapters/terminal/processing/bank.ts';
import { NotOnUs } from '../../../../adapters/terminal/processing/not-on-us.ts';
import { OnUs } from '../../../../adapters/terminal/processing/on-us.ts';
import { Processor } from '../../../../adapters/terminal/processing/processor.ts';
import { StoreAndForward } from '../../../../adapters/terminal/processing/store-and-forward.ts';
import { SimulatedIssuer } from '../../../../adapters/terminal/simulate/issuer.ts';
import type { BookTotals } from '../../../../adapters/terminal/simulate/issuer-book.ts';
import { VirtualCard } from '../../../../adapters/terminal/simulate/virtual-card.ts';
import { Bank } from '../../../support/bank.ts';
import { atEnd, issuerConfig, specNamed, until } from '../link/harness.ts';
import { testTerminal } from '../simulate/till.ts';
import { CNY, IMK, PIN_KEY, SETTLEMENT, SETUP, setup, vault } from './desk.ts';

export const ISSUER = 800n;
const PAN = '4761739001010119';
const QUEUE = 'iss';
const TIMEOUT_MS = 60;

const text = (id: bigint): string => id.toString(16).padStart(32, '0');

/** A process that can end: the engine hears nothing of it any more, and it hears nothing of the engine. */
class Life implements Gateway {
  readonly #gateway: Gateway;
  readonly ended: Promise<undefined>;
  /** Commands that are still taken. */
  left = Number.POSITIVE_INFINITY;
  #isOver = false;
  end: () => void = () => undefined;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.ended = new Promise((done) => {
      this.end = () => {
        this.#isOver = true;
        done(undefined);
      };
    });
  }

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    if (this.#isOver) return Code.ok;
    if (--this.left <= 0) this.end();
    const deliver = (replies: ReplyCursor): void => {
      if (!this.#isOver) return sink.deliver(replies);
      while (replies.take() !== undefined);
    };
    return this.#gateway.submit(envelope, body, { deliver });
  }
}

interface Running {
  readonly processor: Processor;
  readonly life: Life;
  stop(): Promise<void>;
}

/** Settings of the range and of the link's specification. */
export interface IssuerTerms {
  readonly standIn?: object;
  readonly spec?: string;
  readonly timeoutMs?: number;
}

export class IssuerDesk {
  readonly bank: Bank;
  readonly issuer: SimulatedIssuer;
  readonly terminal = testTerminal({ pinKey: PIN_KEY, now: () => new Date() });
  readonly card = new VirtualCard({
    ...{ scheme: 'visa-cvn10', pan: PAN, psn: '01', expiry: '4912', imk: Buffer.from(IMK, 'hex') },
  });
  /** Why messages were refused, and what the queue has to say. */
  readonly notes: string[] = [];
  readonly #terms: IssuerTerms;
  #running: Running | undefined;

  private constructor(bank: Bank, terms: IssuerTerms) {
    this.bank = bank;
    bank.now = Date.now() * 1000;
    this.#terms = terms;
    const spec = specNamed('iso87-ascii');
    const config = {
      name: 'sim',
      host: '127.0.0.1',
      port: 0,
      framing: 'length2',
      spec,
      messageBytesMax: 8192,
    } as const;
    const timing = { stallSeconds: 30, slowMs: 10, lateMs: 3 * TIMEOUT_MS, deadMs: 30 };
    const observer = new LinkCounters(() => {});
    const card = { keyId: 'imk' };
    this.issuer = new SimulatedIssuer({ ...config, ...timing, card }, { vault: vault(), clock: systemClock, observer });
  }

  static async open(partitions = 1, terms: IssuerTerms = {}): Promise<IssuerDesk> {
    const desk = new IssuerDesk(new Bank(partitions), terms);
    const account = { ledger: CNY, code: 1 };
    await desk.bank.accounts(1, { id: ISSUER, ...account }, { id: SETTLEMENT, ...account });
    await desk.issuer.start();
    atEnd(async () => {
      await desk.#running?.stop();
      await desk.issuer.stop();
    });
    await desk.start();
    return desk;
  }

  /** As a process that starts over the same data. */
  async start(): Promise<void> {
    const { spec = 'iso87-ascii', standIn, timeoutMs = TIMEOUT_MS } = this.#terms;
    const {
      ranges,
      acquirers,
      issuers,
      tokenKey,
      queueKey = '',
    } = setup({
      ...SETUP,
      links: [...SETUP.links, { name: QUEUE, role: 'issuer', spec, connect: { host: '127.0.0.1', port: 9 } }],
      settlement: { ...SETUP.settlement, iss: { accounts: { CNY: text(ISSUER) }, pins: { key: 'zpk' } } },
      cards: {
        ...{ tokenKey: 'tokens', queueKey: 'queue' },
        ranges: [{ from: '4', issuer: QUEUE, timeoutMs, ...(standIn === undefined ? {} : { standIn }) }],
      },
    });
    const life = new Life(this.bank.gateway);
    const bank = new CardBank(life, 1);
    const keys = vault();
    const observer = new LinkCounters(() => {});
    const config = issuerConfig(this.issuer.port, 'reconnect: {firstMs: 5, mostMs: 20}');
    const tools = { vault: keys, clock: systemClock, observer, random: Math.random };
    const opened = await openIssuer(config, { late: () => {}, cutover: async () => {} }, tools);
    if (!opened.ok) throw new Error(opened.problem);
    const { link: connection } = opened;
    const note = (problem: string): void => void this.notes.push(problem);
    const notices = new StoreAndForward({
      ...{ queue: QUEUE, spec: config.spec, connection, bank, vault: keys, keyId: queueKey, clock: systemClock },
      ...{ nowMs: Date.now, note, answerMs: 4 * TIMEOUT_MS, retryMs: 5 },
    });
    const business = issuers.get(QUEUE) ?? { settlement: new Map(), pins: undefined };
    const issuer = { spec: config.spec, business, connection, notices };
    const notOnUs = new NotOnUs(bank, keys, tokenKey, new Map([[QUEUE, issuer]]));
    await notOnUs.recover((_link, problem) => note(problem));
    const processor = new Processor({
      ...{ bank, ranges, acquirers, onUs: new OnUs(bank, keys, tokenKey), notOnUs, nowMs: Date.now },
      note: (_link, mti, code, problem) => note(`${mti} ${code} ${problem}`),
    });
    const stop = (): Promise<void> => {
      notices.close();
      return connection.stop(0);
    };
    this.#running = { processor, life, stop };
    if (this.issuer.isListening) await until(() => connection.state === 'up');
  }

  /** Everything in memory is gone; what was under way goes nowhere. */
  async crash(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.life.end();
    await running?.stop();
  }

  /** The process ends with its so-manieth command from now: the engine carries that out, and nobody hears of it. */
  endAfter(commands: number): void {
    if (this.#running !== undefined) this.#running.life.left = commands;
  }

  /** Rejects when the process ends before it answers. */
  async ask(message: Message): Promise<Message> {
    const { processor, life } = this.#running ?? {};
    const answer = await Promise.race([processor?.answer('acq', message.translate(message.spec)), life?.ended]);
    if (answer === undefined) throw new Error(`${message.mti} is not answered`);
    if (!answer.encode().ok) throw new Error('the answer does not fit');
    return answer;
  }

  async code(message: Message): Promise<string | undefined> {
    return (await this.ask(message)).text(39);
  }

  /** What waits to be told, by state. */
  async waiting(): Promise<string[]> {
    const reply = await this.bank.registry(1, 'listOutbox', { queue: QUEUE, cursor: 0, limit: 100 });
    return (reply.entries ?? []).map(({ state }) => state);
  }

  async allTold(): Promise<void> {
    while ((await this.waiting()).length > 0) await new Promise((done) => setTimeout(done, 5));
  }

  /** What the ledger says that the issuer owes, as its book says it. */
  async owed(): Promise<Pick<BookTotals, 'heldMinor'> & { readonly netMinor: number }> {
    await this.bank.rest();
    const [heldMinor = 0, debits = 0, , credits = 0] = await this.bank.balances(ISSUER);
    return { heldMinor, netMinor: debits - credits };
  }

  booked(): Pick<BookTotals, 'heldMinor'> & { readonly netMinor: number } {
    const { heldMinor, debitMinor, creditMinor } = this.issuer.book.totals('156');
    return { heldMinor, netMinor: debitMinor - creditMinor };
  }
}
