#!/usr/bin/env node
/** The command `pag`: runs what its arguments say and ends with the status of it. */
import { explain, runCommand } from './commands.ts';

// A reader who has seen enough (`pag guidances | head`) closes the pipe; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.stderr.write(`pag: cannot write the output: ${error.message}\n`);
  process.exit(error.code === 'EPIPE' ? 0 : 2);
});
process.stderr.on('error', () => process.exit(2));

const status = await runCommand(process.argv.slice(2)).catch((error: unknown) => {
  const { status: failed, message } = explain(error);
  process.stderr.write(`pag: ${message}\n`);
  return failed;
});
// Output that failed is heard of only now.
setImmediate(() => process.exit(status));
