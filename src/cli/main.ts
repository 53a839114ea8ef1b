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
// A pipe takes 64 KB at a time. The process ends when its reader has taken all of what was written, not before; and
// only then does it hear of output that failed.
process.stdout.write('', () => process.stderr.write('', () => setImmediate(() => process.exit(status))));
