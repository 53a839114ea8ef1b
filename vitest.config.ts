/**
 * Three lanes, by the names of the files. `npm test` runs all tests but `*.browser.test.ts`, those that open a browser,
 * which `npm run test:browser` runs. `npm run test:fast` also leaves out `*.slow.test.ts`: those that take more than
 * two seconds of a quiet core, because they draw whole pictures, run whole models on the plain loops, try every fault
 * of the bank, or start processes. Each room of src has tests in the fast lane (test/rooms.test.ts).
 *
 * PAG_THOROUGH=1, which .ci/run sets, raises the number of repetitions in all lanes, and installs the package:
 * test/thorough.ts has the rule.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 120_000,
    // One worker for each core; Vitest would leave one idle, which is half of two.
    maxWorkers: '100%',
    // The files of a worker share what they have imported, which saves most of them a third of their time. So a test
    // puts back what it changes outside itself, and what several files import offers functions: hooks that it
    // registered by itself would be those of the first file only.
    isolate: false,
    // What has not changed since the last run is not compiled again: kept in node_modules, by what the files hold.
    experimental: { fsModuleCache: true },
  },
});
