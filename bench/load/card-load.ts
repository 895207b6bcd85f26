/** Terminals that send purchases (0200) with a contactless cryptogram and a MAC, pipelined over links. */
import { type CompiledSpec, compileSpec } from '../../adapters/terminal/iso8583/compile-spec.ts';
import { shippedSpec } from '../../adapters/terminal/iso8583/shipped-specs.ts';
import type { Message } from '../../adapters/terminal/iso8583/message.ts';
import { VirtualTerminal } from '../../adapters/terminal/simulate/terminal.ts';
import { VirtualCard } from '../../adapters/terminal/simulate/virtual-card.ts';
import { LEDGER } from '../accounts.ts';
import { benchCard, CARD_LINK_SPEC, linkMac } from '../cards.ts';
import { CardLink, type MessageSource } from './card-link.ts';
import { drive } from './drive.ts';
import type { CardJob, JobResult, Report } from './jobs.ts';
import { type CpuClock, Meter, Schedule } from './latency.ts';
import { Random } from './random.ts';

const AMOUNT_MIN = 100;
const AMOUNT_SPREAD = 900;
const MAC_BYTES = 8;
/** Messages a second that are made ahead for a closed loop: no fewer than are answered, or the terminals slow it down. */
const AHEAD_PER_SECOND = 25_000;

export async function runCardLoad(job: CardJob, report: Report): Promise<JobResult> {
  const random = new Random(job.seed);
  const codes = new Map<string, number>();
  const { rate, connections: count, inFlight } = job;
  const ahead = Math.ceil(((rate ?? AHEAD_PER_SECOND) * (job.warmUpMs + job.measureMs)) / 1000 / count);
  const sources = Array.from({ length: count }, (_, index) => sourceOf(job, index, random));
  const prepared = sources.map((source) => CardLink.prepare(source, ahead));

  const loopStartMs = performance.now();
  const startMs = loopStartMs + job.warmUpMs;
  const meter = new Meter({ startMs, endMs: startMs + job.measureMs, isOpenLoop: rate !== undefined });
  const links = sources.map((source, sender) => {
    const plan = { startMs: loopStartMs, sender, senders: count };
    const schedule = rate === undefined ? undefined : new Schedule({ ...plan, perSecond: rate });
    return new CardLink(source, prepared[sender] ?? [], { inFlight, meter, schedule }, codes);
  });
  const openLoop = rate === undefined ? undefined : 'ticks';
  let cpu: CpuClock;
  try {
    await Promise.all(links.map((link) => link.open(job.host, job.port)));
    cpu = await drive(links, { openLoop, meter, goal: undefined, report });
  } finally {
    // One that is open would keep this process from ending when another could not be opened.
    for (const link of links) link.close();
  }
  const all = [...codes.values()].reduce((sum, more) => sum + more, 0);
  const approved = codes.get('00') ?? 0;
  codes.delete('00');
  return {
    count: meter.records,
    errors: all - approved,
    seconds: job.measureMs / 1000,
    latencyMs: meter.latencies.summary(),
    cpuSeconds: cpu.seconds,
    codes: { ok: approved, ...Object.fromEntries([...codes].map(([code, times]) => [`de39 ${code}`, times])) },
  };
}

function linkSpec(): CompiledSpec {
  const data = shippedSpec(CARD_LINK_SPEC);
  const compiled = data === undefined ? undefined : compileSpec(data);
  if (compiled?.ok !== true) throw new Error(`there is no specification ${CARD_LINK_SPEC}`);
  return compiled.spec;
}

/** The messages of one link: purchases at its terminal with every n-th card in turn. */
function sourceOf(job: CardJob, index: number, random: Random): MessageSource {
  const spec = linkSpec();
  const cards = Array.from({ length: job.cards }, (_, number) => number)
    .filter((number) => number % job.connections === index)
    .map((number) => new VirtualCard(benchCard(number)));
  const terminal = new VirtualTerminal({
    spec,
    ...{ terminal: `BENCH${String(index).padStart(3, '0')}`, merchant: 'BENCH', acquirer: '1', category: '5411' },
    ...{ country: '276', currency: String(LEDGER), utcOffsetMinutes: 0, now: () => new Date() },
    random: (count) => Uint8Array.from({ length: count }, () => random.below(256)),
  });
  const mac = linkMac();
  const sealed = (message: Message): Uint8Array => {
    const encoded = message.set(message.last > 64 ? 128 : 64, new Uint8Array(MAC_BYTES)).encode();
    if (!encoded.ok) throw new Error(`field ${encoded.problem.field} does not fit`);
    const { bytes } = encoded;
    const end = bytes.length - MAC_BYTES;
    bytes.set(mac.retailMac(bytes.subarray(0, end), 1), end);
    return bytes;
  };
  let next = 0;
  return {
    spec,
    signOn: () => sealed(terminal.network('signOn')),
    next: () => {
      const card = cards[next++ % cards.length];
      if (card === undefined) throw new Error('the link has no card');
      const made = terminal.purchase(card, AMOUNT_MIN + random.below(AMOUNT_SPREAD), { contactless: true });
      if (!made.ok) throw new Error(made.problem);
      return { bytes: sealed(made.message), trace: Number(made.message.text(11)) };
    },
  };
}
