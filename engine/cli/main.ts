/** The `sluice` program: hands the process to `run`. */
import { inlineMore } from '../worker/inlining.ts';
import { run } from './program.ts';

// A reader that stops early (`sluice account list | head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

inlineMore();
process.exitCode = await run(process.argv.slice(2), {
  output: process.stdout,
  errors: process.stderr,
  environment: process.env,
});
