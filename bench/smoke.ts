/**
 * Program: runs every workload small and short, and checks that it measures something and that nothing is refused. Says
 * nothing about speed: a busy machine must not make it fail.
 */
import { measure } from './main.ts';
import { runMicro } from './micro/micro.ts';
import { readOptions } from './options.ts';

const RUNS = [
  'ceiling --seconds 0.8',
  'transfers --seconds 1 --account-count 500',
  'transfers --seconds 1 --account-count 500 --batch 1 --accounts zipf --connections 4 --in-flight 16',
  'transfers --seconds 1 --account-count 500 --batch 100 --accounts hot --partitions 2 --connections 4 --in-flight 8',
  'transfers --seconds 0.6 --account-count 500 --partitions 2 --crossing 0',
  'transfers --seconds 1 --account-count 500 --batch 10 --partitions 2 --crossing 1 --connections 4 --in-flight 16',
  'payments --seconds 1 --account-count 500 --connections 4 --in-flight 16',
  'payments --seconds 1 --account-count 500 --partitions 2 --rate 200',
  'growth --transfers 60000 --account-count 500 --seconds 60 --batch 100 --connections 2 --in-flight 4',
  'qr --seconds 1 --account-count 500 --connections 4 --in-flight 16',
  'qr --seconds 1 --account-count 500 --connections 4 --in-flight 16 --partitions 2',
  'http --seconds 1 --account-count 500 --connections 4',
  'iso8583 --seconds 1 --account-count 500 --connections 4 --in-flight 8',
  'iso8583 --seconds 1 --account-count 500 --connections 4 --rate 200',
];
const MICRO_SECONDS = 0.02;

let failures = 0;

function judge(name: string, startedMs: number, problems: readonly string[], found: string): void {
  const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  if (problems.length === 0) {
    process.stdout.write(`ok      ${name} (${took}): ${found}\n`);
    return;
  }
  failures++;
  process.stdout.write(`FAILED  ${name} (${took}): ${problems.join('; ')}\n`);
}

for (const words of RUNS) {
  const started = performance.now();
  const request = readOptions(words.split(' '));
  if (request.type !== 'run') throw new Error(`${words} is not a workload`);
  try {
    const report = await measure(request.options, process.stderr);
    const problems: string[] = [];
    if (report.count <= 0) problems.push('nothing was counted');
    if (report.errors !== 0) {
      problems.push(`${report.errors} errors${'codes' in report ? `: ${JSON.stringify(report.codes)}` : ''}`);
    }
    if ('latencyMs' in report) {
      const { p50, p99, p999, max } = report.latencyMs;
      if (!(p50 > 0 && p50 <= p99 && p99 <= p999 && p999 <= max)) problems.push('the latencies are not in order');
      if (report.serverCpuSeconds < 0) problems.push('the CPU time is negative');
    } else if ('points' in report) {
      if (!report.complete) problems.push('it did not get to the end');
      if (report.points.some(({ tps, openMs, diskRatio }) => !(tps > 0 && openMs > 0 && diskRatio > 1))) {
        problems.push('a point measured nothing');
      }
    } else if (!(report.echoPerSecond > 0 && report.journalPerSecond > 0)) problems.push('a ceiling is zero');
    judge(words, started, problems, `${report.count} answered`);
  } catch (error) {
    judge(words, started, [error instanceof Error ? error.message : String(error)], '');
  }
}

const started = performance.now();
const micro = await runMicro(MICRO_SECONDS, process.stderr);
const empty = micro.filter(({ nanoseconds }) => !(nanoseconds > 0)).map(({ name }) => `${name} took no time`);
judge('micro', started, empty, `${micro.length} parts`);

process.exitCode = failures === 0 ? 0 : 1;
