#!/usr/bin/env -S node --max-semi-space-size=64
// The command itself: always there, also before the first build, so that npx links it once and for good.
// What is under way lives as long as a batch takes to be durable: a larger young generation (MiB) keeps it from being copied out of it,
// which makes a third more card payments.
import { existsSync } from 'node:fs';

const main = new URL('../../dist/engine/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('sluice is not built yet: run `npm ci` in its folder first\n');
  process.exitCode = 1;
}
