/** A turn of a contender: a process of its own, whose result is judged. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../../test/agreement.ts';
import type { Case } from './cases.ts';
import type { Contender, Tools } from './contenders.ts';
import type { Task, Told } from './processes/task.ts';
import { readFloats, relativeError } from './float-files.ts';
import { filesOf, root } from './setup.ts';
import type { Entry, Performance } from './turns.ts';

/** An entry, with what its process needs. */
export interface CaseEntry extends Entry {
  readonly one: Case;
  readonly contender: Contender;
}

/** Whoever needs more milliseconds is given up. */
const longest = 600_000;
/** What a process that failed has said is told in one line of so many characters. */
const longestReason = 116;
/** Where a process leaves its result. */
const outFile = join(tmpdir(), `pag-bench-${process.pid}.f32`);

/**
 * Runs the process of an entry.
 * @throws Error with one line, when the process fails
 */
export async function perform({ one, threads, contender }: CaseEntry, tools: Tools): Promise<Performance> {
  const { data, onnx } = filesOf(one);
  const { subject, warm, passes } = one;
  const task: Task = { subject, data, onnx, threads, warm, passes, out: outFile };
  const [command = '', ...args] = contender.command(tools, JSON.stringify(task));
  return { ...((await lastLineOf(command, args)) as Told), ...judgement(one) };
}

/**
 * What a process has told, as JSON, in its last line.
 * @throws Error with one line, when it fails
 */
export async function lastLineOf(command: string, args: readonly string[]): Promise<unknown> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd: root, timeout: longest, maxBuffer: 2 ** 24 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  } catch (problem) {
    throw new Error(reasonOf(problem as Failure));
  }
}

/** How far the result of the process is from PyTorch's float64, and whether that is too far. */
function judgement(one: Case): Pick<Performance, 'error' | 'disagreement'> {
  const { golden: file } = filesOf(one);
  const golden = goldenOf(parseSafetensors(readFileSync(`${root}${file}`), file), 'y');
  const { shape, data: truth } = golden.truth;
  const found = readFloats(outFile);
  if (found.length !== truth.length) throw new Error(`it computes ${found.length} numbers instead of ${truth.length}`);
  const problem = disagreement(tensor('f32', shape, found), golden);
  return {
    error: relativeError(found, truth),
    ...(problem !== undefined && { disagreement: inShort(problem) }),
  };
}

/** A text with two digits of each of its numbers. */
export function inShort(text: string): string {
  return text.replace(/\d+\.\d+(e[+-]\d+)?/g, (digits) => {
    const number = Number(digits);
    return number < 1e-3 ? number.toExponential(1) : String(Number(number.toPrecision(2)));
  });
}

/** What is known of a process that failed. */
interface Failure {
  readonly message: string;
  readonly stderr?: string;
  readonly killed?: boolean;
}

/** What a process that failed has said, in a line. */
export function reasonOf({ message, stderr, killed }: Failure): string {
  if (killed) return `it took longer than ${longest / 1000} s`;
  const lines = (stderr || message).split('\n').filter((text) => text.trim() !== '');
  const telling = lines.find((text) => /^\w*(Error|Exception)\b/.test(text)) ?? lines.at(-1) ?? 'it failed';
  return telling.trim().slice(0, longestReason);
}
