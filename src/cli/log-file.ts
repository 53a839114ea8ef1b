/** `--log-file`: what a command says, kept. */
import { appendFileSync } from 'node:fs';
import { refuseFile } from '../formats/node-files.ts';

/**
 * Adds lines to a file, each with the time (UTC) before it, and each written at once: what happens later does not lose
 * them.
 * @throws InputError (and so does what it returns) when the file cannot be written
 */
export function logTo(path: string): (line: string) => void {
  return (line) => {
    try {
      appendFileSync(path, `${new Date().toISOString()} ${line}\n`);
    } catch (error) {
      refuseFile(error, path, 'write');
    }
  };
}
