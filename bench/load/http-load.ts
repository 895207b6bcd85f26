/** The same sale as over WebSocket, as HTTP/JSON, by autocannon. */
import autocannon from 'autocannon';
import { formatId } from '../../protocol/ids.ts';
import type { HttpJob, IdWords, JobResult, Report } from './jobs.ts';
import { CpuClock, Meter } from './latency.ts';
import { PairPicker, Random } from './random.ts';
import { TimeOrderedIds } from './time-ordered-ids.ts';

const CREATED = [200, 201];
const AMOUNT_MIN = 100;
const AMOUNT_SPREAD = 900;

export async function runHttpLoad(job: HttpJob, report: Report): Promise<JobResult> {
  const sales = new SaleRequests(job);
  const statuses = new Map<string, number>();
  const count = (name: string, more: number): void => void statuses.set(name, (statuses.get(name) ?? 0) + more);
  const startMs = performance.now() + job.warmUpMs;
  const meter = new Meter({ startMs, endMs: startMs + job.measureMs, isOpenLoop: false });
  const cpu = new CpuClock();
  setTimeout(() => {
    report({ type: 'measuring' });
    cpu.start();
  }, job.warmUpMs);
  setTimeout(() => {
    report({ type: 'measured' });
    cpu.stop();
  }, job.warmUpMs + job.measureMs);

  const { errors, timeouts } = await fire(
    {
      url: `http://${job.host}:${job.port}`,
      connections: job.connections,
      duration: (job.warmUpMs + job.measureMs) / 1000 + 0.2,
      headers: { authorization: `Bearer ${job.key}`, 'content-type': 'application/json' },
      requests: [
        {
          method: 'POST',
          path: '/v1/payments',
          setupRequest: (request) => {
            const { id, body } = sales.next();
            request.headers = { ...request.headers, 'idempotency-key': id };
            request.body = body;
            return request;
          },
        },
      ],
    },
    (statusCode, responseMs) => {
      const nowMs = performance.now();
      meter.answered(1, nowMs - responseMs, nowMs);
      count(CREATED.includes(statusCode) ? 'ok' : `http${statusCode}`, 1);
    },
  );
  if (errors + timeouts > 0) count('lost', errors + timeouts);
  const all = [...statuses.values()].reduce((sum, more) => sum + more, 0);
  return {
    count: meter.records,
    errors: all - (statuses.get('ok') ?? 0),
    seconds: job.measureMs / 1000,
    latencyMs: meter.latencies.summary(),
    cpuSeconds: cpu.seconds,
    codes: Object.fromEntries(statuses),
  };
}

/** Runs autocannon, which times each response itself. */
function fire(
  options: autocannon.Options,
  response: (statusCode: number, responseMs: number) => void,
): Promise<autocannon.Result> {
  return new Promise((resolve, reject) => {
    const instance = autocannon(options, (error: Error | null, result) => {
      if (error) reject(error);
      else resolve(result);
    });
    instance.on('response', (_client, statusCode, _bytes, responseMs) => response(statusCode, responseMs));
  });
}

/** Makes the requests, each with its own key and reference. */
class SaleRequests {
  readonly #groups: readonly { payers: string[]; payees: string[]; pair: PairPicker }[];
  readonly #random: Random;
  readonly #ids: TimeOrderedIds;
  readonly #currency: string;
  readonly #words = new Uint32Array(4);
  #sales = 0;

  constructor(job: HttpJob) {
    const random = new Random(job.seed);
    this.#random = random;
    this.#ids = new TimeOrderedIds(random);
    this.#currency = job.currency;
    this.#groups = job.groups.map(({ payers, payees }) => ({
      payers: payers.map(idText),
      payees: payees.map(idText),
      pair: new PairPicker(job.distribution, payers.length, random),
    }));
  }

  next(): { id: string; body: string } {
    const random = this.#random;
    const group = this.#groups[random.below(this.#groups.length)];
    if (group === undefined) throw new Error('there are no accounts');
    this.#ids.at(Date.now());
    this.#ids.write(this.#words, 0);
    const serial = (this.#sales++).toString(16).padStart(8, '0');
    return {
      id: idText([...this.#words]),
      body: JSON.stringify({
        from: group.payers[group.pair.one()],
        to: group.payees[random.below(group.payees.length)],
        amount: String(AMOUNT_MIN + random.below(AMOUNT_SPREAD)),
        currency: this.#currency,
        reference: `order-00${serial}`,
      }),
    };
  }
}

function idText(words: IdWords | readonly number[]): string {
  return formatId(words.reduceRight((id, word) => (id << 32n) | BigInt(word), 0n));
}
