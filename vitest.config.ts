import { defineConfig } from 'vitest/config';

/** Minutes in milliseconds. */
const MINUTE = 60_000;

const FOLDERS = ['crash', 'e2e', 'simulation', 'conformance'];
const PROPERTY = 'test/**/*.property.test.ts';

/** A project that is a folder of tests; these start real processes, so they run one file after another. */
function folder(name: string, testTimeout: number) {
  return {
    test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: MINUTE, fileParallelism: false },
  };
}

export default defineConfig({
  test: {
    // A failing property or simulation prints its seed; fast-check's report has the path that replays it.
    passWithNoTests: true,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [PROPERTY, ...FOLDERS.map((name) => `test/${name}/**`)],
          testTimeout: MINUTE / 2,
          hookTimeout: MINUTE / 2,
        },
      },
      {
        test: {
          name: 'property',
          include: [PROPERTY],
          exclude: FOLDERS.map((name) => `test/${name}/**`),
          testTimeout: 2 * MINUTE,
        },
      },
      folder('simulation', 5 * MINUTE),
      folder('crash', 5 * MINUTE),
      folder('conformance', 2 * MINUTE),
      folder('e2e', 2 * MINUTE),
    ],
  },
});
