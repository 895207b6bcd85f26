/** Terminals that send purchases (0200) with a contactless cryptogram and a MAC, pipelined over links. */
import { SoftwareVault } from '../../adapters/terminal/crypto/vault/software-vault.ts';
import { VirtualTerminal } from '../../adapters/terminal/simulate/terminal.ts';
import { openTill, type Till } from '../../adapters/terminal/simulate/till.ts';
import { VirtualCard } from '../../adapters/terminal/simulate/virtual-card.ts';
import { LEDGER } from '../accounts.ts';
import { benchCard, CARD_LINK_MAC, CARD_LINK_SPEC, linkMacKey } from '../cards.ts';
import type { CardJob, JobResult, Report } from './jobs.ts';
import { CpuClock, Meter, Schedule } from './latency.ts';
import { Random } from './random.ts';

const ANSWER_MS = 30_000;
const SIGN_ON_MS = 10_000;
const AMOUNT_MIN = 100;
const AMOUNT_SPREAD = 900;
/** How often an open loop looks for what is due. */
const TICK_MS = 1;

export async function runCardLoad(job: CardJob, report: Report): Promise<JobResult> {
  const random = new Random(job.seed);
  const tills = await Promise.all(Array.from({ length: job.connections }, () => connected(job)));
  const codes = new Map<string, number>();
  const startMs = performance.now() + job.warmUpMs;
  const endMs = startMs + job.measureMs;
  const meter = new Meter({ startMs, endMs, isOpenLoop: job.rate !== undefined });
  const cpu = new CpuClock();
  setTimeout(() => {
    report({ type: 'measuring' });
    cpu.start();
  }, job.warmUpMs);
  setTimeout(() => {
    report({ type: 'measured' });
    cpu.stop();
  }, job.warmUpMs + job.measureMs);
  const pays = tills.map((till, index) => payer(till, job, index, random));
  const pay = async (till: number, dueMs: number): Promise<void> => {
    const code = (await pays[till]?.()) ?? 'lost';
    meter.answered(1, dueMs, performance.now());
    codes.set(code, (codes.get(code) ?? 0) + 1);
  };
  const { rate } = job;
  const loads = tills.map((_, index) =>
    rate === undefined
      ? closedLoop(job, endMs, (dueMs) => pay(index, dueMs))
      : openLoop(job, rate, index, startMs, endMs, (dueMs) => pay(index, dueMs)),
  );
  await Promise.all(loads);
  await Promise.all(tills.map((till) => till.close()));
  const all = [...codes.values()].reduce((sum, count) => sum + count, 0);
  const approved = codes.get('00') ?? 0;
  codes.delete('00');
  return {
    count: meter.records,
    errors: all - approved,
    seconds: job.measureMs / 1000,
    latencyMs: meter.latencies.summary(),
    cpuSeconds: cpu.seconds,
    codes: { ok: approved, ...Object.fromEntries([...codes].map(([code, count]) => [`de39 ${code}`, count])) },
  };
}

async function connected({ host, port }: CardJob): Promise<Till> {
  const vault = new SoftwareVault([linkMacKey()]);
  const till = await openTill({ host, port, spec: CARD_LINK_SPEC, mac: CARD_LINK_MAC }, SIGN_ON_MS, vault);
  if (typeof till === 'string') throw new Error(till);
  return till;
}

/** Makes the payments of one link's terminal, with every n-th card, and resolves with the response code. */
function payer(till: Till, job: CardJob, index: number, random: Random): () => Promise<string> {
  const cards = Array.from({ length: job.cards }, (_, number) => number)
    .filter((number) => number % job.connections === index)
    .map((number) => new VirtualCard(benchCard(number)));
  const terminal = new VirtualTerminal({
    spec: till.spec,
    ...{ terminal: `BENCH${String(index).padStart(3, '0')}`, merchant: 'BENCH', acquirer: '1', category: '5411' },
    ...{ country: '276', currency: String(LEDGER), utcOffsetMinutes: 0, now: () => new Date() },
    random: (count) => Uint8Array.from({ length: count }, () => random.below(256)),
  });
  let next = 0;
  return async () => {
    const card = cards[next++ % cards.length];
    if (card === undefined) return 'no card';
    const made = terminal.purchase(card, AMOUNT_MIN + random.below(AMOUNT_SPREAD), { contactless: true });
    if (!made.ok) return made.problem;
    const answer = await till.ask(made.message, ANSWER_MS);
    return typeof answer === 'string' ? answer : (answer.text(39) ?? 'no code');
  };
}

/** So many at once, each followed by the next as soon as it is answered. */
async function closedLoop(job: CardJob, endMs: number, pay: (dueMs: number) => Promise<void>): Promise<void> {
  const worker = async (): Promise<void> => {
    for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) await pay(nowMs);
  };
  await Promise.all(Array.from({ length: job.inFlight }, worker));
}

/** Each when it is due, answered or not what went before. */
async function openLoop(
  job: CardJob,
  perSecond: number,
  sender: number,
  startMs: number,
  endMs: number,
  pay: (dueMs: number) => Promise<void>,
): Promise<void> {
  const schedule = new Schedule({ startMs: startMs - job.warmUpMs, perSecond, sender, senders: job.connections });
  const underWay = new Set<Promise<void>>();
  while (performance.now() < endMs) {
    for (const nowMs = performance.now(); schedule.dueMs <= nowMs; schedule.advance()) {
      const payment = pay(schedule.dueMs).finally(() => underWay.delete(payment));
      underWay.add(payment);
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(underWay);
}
