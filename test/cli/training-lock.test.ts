/** One training in a folder: who is refused, and what those leave behind who were killed. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lockFolder } from '../../src/cli/training-lock.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { temporaryFolder } from './models.ts';

const { path } = temporaryFolder();

/** An empty folder; its files; and the file of another process in it. */
function folderOf(name: string) {
  const folder = path(name);
  mkdirSync(folder);
  return {
    folder,
    files: () => readdirSync(folder),
    leave: (file: string) => writeFileSync(join(folder, file), ''),
  };
}

/** The parts of the name that this process leaves. */
async function ownParts(): Promise<readonly string[]> {
  const { folder, files } = folderOf('own');
  const release = await lockFolder(folder);
  const [name = ''] = files();
  release();
  return name.split('~');
}
const [lock, host, boot, pid, started] = await ownParts();
const nameOf = (...parts: readonly unknown[]): string => [lock, ...parts].join('~');

it('a folder is free, taken, and free again, and nothing stays in it', async () => {
  const { folder, files } = folderOf('free');
  const release = await lockFolder(folder);
  expect(files()).toEqual([nameOf(host, boot, pid, started)]);
  expect([host, pid]).toEqual([encodeURIComponent(hostname()), String(process.pid)]);
  await expect(lockFolder(folder)).rejects.toThrow(`${folder}: this process trains in it already`);
  release();
  expect(files()).toEqual([]);
  (await lockFolder(folder))();
});

it('a process that runs keeps it, on this machine or on another one', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const since = process.platform === 'linux' ? startedAt(other.pid) : '';
  for (const [name, file, who] of [
    ['here', nameOf(host, boot, other.pid, since), `process ${other.pid} trains`],
    ['elsewhere', nameOf('far', 'b', 7, 9), 'process 7 on far trains'],
  ] as const) {
    const { folder, files, leave } = folderOf(name);
    leave(file);
    const problem: unknown = await lockFolder(folder).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(InputError);
    expect((problem as Error).message).toContain(`${who} in it`);
    expect((problem as Error).message).toContain(join(folder, file));
    expect(files()).toEqual([file]);
  }
  other.kill();
});

function startedAt(process: number | undefined): string {
  const line = execFileSync('cat', [`/proc/${process}/stat`], { encoding: 'utf8' });
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

it.each([
  ['has ended', () => nameOf(host, boot, endedProcess(), started)],
  ['ran before the machine was started', () => nameOf(host, 'x', pid, started)],
  // The number of a process that is gone may be that of another one now.
  ['has a number that is another one’s by now', () => nameOf(host, boot, process.ppid, '1')],
])('what a process left that %s is taken over', async (name, file) => {
  const { folder, files, leave } = folderOf(name);
  leave(file());
  const release = await lockFolder(folder);
  expect(files()).toEqual([nameOf(host, boot, pid, started)]);
  release();
});

function endedProcess(): number {
  return Number(execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }));
}

it('other files are left alone', async () => {
  const { folder, files, leave } = folderOf('others');
  const others = ['.lock', '.lock~x~y~z~1', 'checkpoint.safetensors'];
  for (const file of others) leave(file);
  (await lockFolder(folder))();
  expect(files().sort()).toEqual(others);
});

it('a folder that is none is refused in one line', async () => {
  await expect(lockFolder(path('none'))).rejects.toThrow(/^cannot write .*: there is no folder/);
});
