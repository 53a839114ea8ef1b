/**
 * One training in a folder at a time. Who trains there leaves an empty file whose name says who it is: the machine, its
 * boot, the process and when that began. So the file is there whole or not at all, no two processes have the same one,
 * and whoever finds that of a process which is gone (killed, or before the machine was started anew) may remove it.
 *
 * Each leaves its file before it looks for those of others. So of two that come at once, one or both see the other, and
 * go back; then they try again, each after a while of its own.
 */
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { refuseFile } from '../formats/node-files.ts';
import { InputError } from '../tensor/errors.ts';

/** A process on a machine. */
interface Owner {
  readonly host: string;
  /** The machine's boot, and the process's start in it: what is empty is not known. */
  readonly boot: string;
  readonly pid: number;
  readonly started: string;
}

/** So often another process is met before the folder is refused. */
const TRIES = 4;

/**
 * Takes a folder for this process.
 * @returns what leaves it again
 * @throws InputError when another process has it, or no file can be written there
 */
export async function lockFolder(folder: string): Promise<() => void> {
  const file = join(folder, nameOf(ownerHere()));
  for (let tries = 1; ; tries++) {
    leaveFile(file, folder);
    const release = (): void => rmSync(file, { force: true });
    const other = readdirSync(folder).find((name) => join(folder, name) !== file && isAlive(folder, name));
    if (other === undefined) return release;
    release();
    if (tries === TRIES) throw new InputError(refusal(folder, other));
    await new Promise((resolve) => setTimeout(resolve, 20 + 80 * tries * Math.random()));
  }
}

function leaveFile(file: string, folder: string): void {
  try {
    closeSync(openSync(file, 'wx'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') refuseFile(error, file, 'write');
    throw new InputError(`${folder}: this process trains in it already`);
  }
}

/** Whether a file is that of a process which may still train; one of a process that does not is removed. */
function isAlive(folder: string, name: string): boolean {
  const owner = ownerIn(name);
  if (!owner) return false;
  if (isRunning(owner)) return true;
  rmSync(join(folder, name), { force: true });
  return false;
}

function isRunning({ host, boot, pid, started }: Owner): boolean {
  const here = ownerHere();
  // Of another machine nothing is known.
  if (host !== here.host) return true;
  if (boot !== here.boot) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return started === startOf(pid);
}

function refusal(folder: string, name: string): string {
  const owner = ownerIn(name);
  const where = owner?.host === hostname() ? '' : ` on ${owner?.host}`;
  return (
    `${folder}: process ${owner?.pid}${where} trains in it; wait for it, or give another --out ` +
    `(if there is no such process, remove ${join(folder, name)})`
  );
}

const nameOf = ({ host, boot, pid, started }: Owner): string =>
  ['.lock', encodeURIComponent(host), boot, pid, started].join('~');

function ownerIn(name: string): Owner | undefined {
  const [, host, boot, pid, started] = /^\.lock~([^~]*)~([^~]*)~(\d+)~(\d*)$/.exec(name) ?? [];
  if (host === undefined || boot === undefined || started === undefined) return undefined;
  return { host: decodeURIComponent(host), boot, pid: Number(pid), started };
}

function ownerHere(): Owner {
  const boot = textOf('/proc/sys/kernel/random/boot_id').trim();
  return { host: hostname(), boot, pid: process.pid, started: startOf(process.pid) };
}

/** When a process was started, in ticks of the machine; nothing where there is no /proc to tell. */
function startOf(pid: number): string {
  // The name of the program, in brackets, may hold anything.
  return (
    textOf(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ')[19] ?? ''
  );
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
