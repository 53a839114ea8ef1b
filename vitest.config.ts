/**
 * Two lanes. `npm test` runs all tests. `npm run test:fast` leaves out the files called `*.slow.test.ts`: those that take
 * more than three seconds on a quiet core, because they draw whole runs, start processes or a browser, or try
 * every fault of the bank. Each room of src has tests in the fast lane (test/rooms.test.ts).
 *
 * PAG_THOROUGH=1 raises the number of mutations and interruptions, in both lanes, and installs the package.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    // One worker for each core; Vitest would leave one idle, which is half of two.
    maxWorkers: '100%',
    // The files of a worker share what they have imported, which saves a third of the time of most. So a test puts back
    // what it changes outside itself.
    isolate: false,
  },
});
