#!/usr/bin/env node
// The command itself: always there, also before the first build, so that npx links it once and for good.
import { existsSync } from 'node:fs';

const main = new URL('../../dist/engine/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('sluice is not built yet: run `npm ci` in its folder first\n');
  process.exitCode = 1;
}
