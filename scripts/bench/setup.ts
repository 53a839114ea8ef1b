/** What the bench needs before it begins: packages, a Python with its own, and the modules that are run. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keyOf, made, type Case } from './cases.ts';
import type { Tools } from './contenders.ts';

/** All commands run here. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
const here = `${root}scripts/bench/`;

/** Files of a case, from prepare.py. */
export function filesOf(one: Case): { readonly data: string; readonly onnx: string; readonly golden: string } {
  const stem = `${made}/${keyOf(one)}`;
  return { data: `${stem}.inputs.safetensors`, onnx: `${stem}.onnx`, golden: `${stem}.golden.safetensors` };
}

/** Programs that are given instead of those that would be installed. */
export type GivenTools = { readonly [Tool in keyof Tools]?: string | undefined };

/**
 * The programs that run processes, installed where they are missing: Node 24 and the JavaScript packages of this
 * folder, and a virtual environment of Python, unless another one is given. Who needs what could not be installed fails
 * later.
 */
export function installTools(given: GivenTools): Tools {
  if (!existsSync(`${here}node_modules`)) succeeds('JavaScript packages', 'npm', ['ci', '--prefix', here]);
  const python = given.python ?? `${here}.venv/bin/python`;
  if (given.python === undefined && !existsSync(python) && !installPython(python))
    rmSync(`${here}.venv`, { recursive: true, force: true });
  const node = `${here}node_modules/node24/bin/node`;
  return { python, node: given.node ?? (existsSync(node) ? node : process.execPath) };
}

function installPython(python: string): boolean {
  return (
    succeeds('a virtual environment', 'python3', ['-m', 'venv', `${here}.venv`]) &&
    succeeds('PyTorch, OpenVINO', python, ['-m', 'pip', 'install', '--quiet', '-r', `${here}requirements.txt`])
  );
}

/** Makes what is missing of a case. @returns whether all of it is there */
export function prepare(one: Case, { python, node }: Tools): boolean {
  const { subject } = one;
  mkdirSync(`${root}${made}`, { recursive: true });
  if (subject.kind === 'unet' && !existsSync(`${root}${subject.folder}/config.json`)) {
    const make = ['--import', 'tsx', 'scripts/real-sizes/make.ts', one.name, subject.folder];
    if (!succeeds(subject.folder, node, make)) return false;
  }
  if (existsSync(`${root}${filesOf(one).golden}`)) return true;
  const asked = { subject, key: keyOf(one), folder: made, batch: one.batch };
  return succeeds(one.title, python, ['-W', 'ignore', `${here}processes/prepare.py`, JSON.stringify(asked)]);
}

/** Makes something by a command, and says so, and whether it went wrong. */
function succeeds(what: string, command: string, args: readonly string[]): boolean {
  console.error(`making ${what} …`);
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) console.error(`${what}: could not be made: ${error?.message ?? `${command} failed`}`);
  return status === 0;
}
