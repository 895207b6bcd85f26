/** Process: gets one job from its parent, runs it, reports and ends. Load never runs in the process that it measures. */
import { inlineMore } from '../../engine/worker/inlining.ts';
import { runCardLoad } from './card-load.ts';
import { runHttpLoad } from './http-load.ts';
import type { Job, JobResult, Report, RunMessage } from './jobs.ts';
import { runJournalLoad } from './journal-load.ts';
import { runWebSocketLoad } from './websocket-load.ts';

const report: Report = (message) => void process.send?.(message);

process.once('message', (message: RunMessage) => {
  run(message.job)
    .then(
      (result) => report({ type: 'done', result }),
      (error: unknown) => report({ type: 'failed', message: error instanceof Error ? error.message : String(error) }),
    )
    .finally(() => process.disconnect());
});

function run(job: Job): Promise<JobResult> {
  switch (job.type) {
    case 'websocket':
      return runWebSocketLoad(job, report);
    case 'http':
      return runHttpLoad(job, report);
    case 'cards':
      return runCardLoad(job, report);
    case 'journal':
      inlineMore();
      return runJournalLoad(job, report);
  }
}
