/** `sluice bench micro`: how long the parts take, alone and warm, in one thread. */
import { Bench } from 'tinybench';
import { table } from '../../engine/cli/output.ts';
import { ProgressLine, type Terminal } from '../../engine/cli/terminal.ts';
import { type MicroTask, microTasks } from './tasks.ts';

export interface MicroResult {
  readonly name: string;
  /** Median, for one of what the name says. */
  readonly nanoseconds: number;
}

const NS_PER_MS = 1e6;

/** Measures every part for so long, one after the other. Throws when one of them fails. */
export async function runMicro(secondsEach: number, errors: Terminal['errors']): Promise<MicroResult[]> {
  const line = new ProgressLine(errors);
  const time = secondsEach * 1000;
  const bench = new Bench({ time, warmupTime: time / 4, iterations: 5, warmupIterations: 2, throws: true });
  const tasks = microTasks();
  for (const { name, run, before } of tasks) bench.add(name, run, before === undefined ? {} : { beforeEach: before });
  bench.addEventListener('cycle', () => line.show(`${bench.tasks.filter(isDone).length} of ${tasks.length}`));
  await bench.run();
  line.clear();
  return tasks.map((task) => ({ name: task.name, nanoseconds: nanosecondsOf(bench, task) }));
}

/** For people. */
export function describeMicro(results: readonly MicroResult[]): string {
  return table(
    [{ title: 'PART' }, { title: 'NS EACH', align: 'right' }, { title: 'A SECOND', align: 'right' }],
    results.map(({ name, nanoseconds }) => [
      name,
      nanoseconds.toFixed(nanoseconds < 100 ? 1 : 0),
      Math.round(1e9 / nanoseconds).toLocaleString('en'),
    ]),
  );
}

function isDone({ result }: { readonly result: { readonly state: string } }): boolean {
  return result.state === 'completed';
}

function nanosecondsOf(bench: Bench, { name, perRun }: MicroTask): number {
  const result = bench.getTask(name)?.result;
  if (result === undefined || !('latency' in result)) throw new Error(`"${name}" has no result`);
  return (result.latency.p50 * NS_PER_MS) / perRun;
}
