/** Contenders in processes of their own, taking turns. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { median } from '../../src/cli/bench/times.ts';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../../test/agreement.ts';
import type { Case } from './cases.ts';
import type { Contender, Tools } from './contenders.ts';
import type { Task, Time, Told } from './processes/task.ts';
import { spreadOf, type Measurement, type Missing } from './results.ts';
import { filesOf, root } from './setup.ts';

/** A contender in a case. */
export interface Entry {
  readonly one: Case;
  readonly threads: number;
  readonly contender: Contender;
}

/** What has come of an entry so far. */
interface Score {
  readonly turns: Told[];
  error: number;
  why: string | undefined;
}

/** What has come of all of them. */
export interface Outcome {
  readonly measurements: readonly Measurement[];
  readonly missing: readonly Missing[];
}

/** Whoever needs longer is given up. */
const longest = 600_000;
/** What is told is one line. */
const longestReason = 160;

/**
 * Lets all take so many turns, in the order of the entries. Who fails, or computes something else than PyTorch, is left
 * out from then on.
 * @param onTurn is told what every turn has brought
 */
export async function takeTurns(
  entries: readonly Entry[],
  turns: number,
  tools: Tools,
  onTurn: (turn: number, entry: Entry, found: Time | string) => void,
): Promise<Outcome> {
  const scores = entries.map((entry) => ({ entry, turns: [], error: NaN, why: undefined }) as Score & { entry: Entry });
  for (let turn = 0; turn < turns; turn++) {
    for (const score of scores) {
      if (score.why !== undefined) continue;
      try {
        const told = await perform(score.entry, tools);
        if (turn === 0) score.error = judge(score.entry);
        score.turns.push(told);
        onTurn(turn, score.entry, typical(told));
      } catch (problem) {
        score.why = reasonOf(problem);
        onTurn(turn, score.entry, score.why);
      }
    }
  }
  return {
    measurements: scores.flatMap((score) => (score.why === undefined ? [measurementOf(score.entry, score)] : [])),
    missing: scores.flatMap(({ entry: { one, threads, contender }, why }) =>
      why === undefined ? [] : [{ title: one.title, threads, contender: contender.name, why }],
    ),
  };
}

/** Where a process leaves its result. */
const outFile = join(tmpdir(), `pag-bench-${process.pid}.f32`);

async function perform({ one, threads, contender }: Entry, tools: Tools): Promise<Told> {
  const { data, onnx } = filesOf(one);
  const { subject, warm, passes } = one;
  const task: Task = { subject, data, onnx, threads, warm, passes, out: outFile };
  const [command = '', ...args] = contender.command(tools, JSON.stringify(task));
  const { stdout } = await promisify(execFile)(command, args, { cwd: root, timeout: longest, maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Told;
}

/**
 * How far the result is from PyTorch's float64: relative, root mean square.
 * @throws Error when it does not agree by the rule of `test/agreement.ts`
 */
function judge({ one }: Entry): number {
  const { golden: file } = filesOf(one);
  const golden = goldenOf(parseSafetensors(readFileSync(`${root}${file}`), file), 'y');
  const { shape, data: truth } = golden.truth;
  const bytes = readFileSync(outFile);
  const found = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (found.length !== truth.length) throw new Error(`has ${found.length} numbers instead of ${truth.length}`);
  const problem = disagreement(tensor('f32', shape, found), golden);
  if (problem !== undefined) throw new Error(`computes something else: ${problem}`);
  const squares = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value * value, 0);
  return Math.sqrt(squares(found.map((value, i) => value - (truth[i] ?? NaN))) / squares(truth));
}

/** The medians of the passes of a turn. */
function typical({ passes }: Told): Time {
  return { wall: median(passes.map(({ wall }) => wall)), processor: median(passes.map(({ processor }) => processor)) };
}

function measurementOf({ one, threads, contender }: Entry, { turns, error }: Score): Measurement {
  const { name, title, batch } = one;
  const times = turns.map(typical);
  return {
    ...{ name, title, batch, threads, contender: contender.name, ours: contender.ours },
    ...{ version: turns[0]?.version ?? '', turns: times, error },
    wall: spreadOf(times.map(({ wall }) => wall)),
    processor: spreadOf(times.map(({ processor }) => processor)),
    first: spreadOf(turns.map(({ first }) => first.processor)),
    megabytes: median(turns.map(({ megabytes }) => megabytes)),
  };
}

/** What a process that failed has said, in a line. */
function reasonOf(problem: unknown): string {
  const { stderr, killed, message } = problem as { stderr?: string; killed?: boolean; message: string };
  if (killed) return 'was given up: it took too long';
  const lines = (stderr || message).split('\n').filter((text) => text.trim() !== '');
  const telling = lines.find((text) => /^\w*(Error|Exception)\b/.test(text)) ?? lines.at(-1) ?? 'failed';
  return telling.trim().slice(0, longestReason);
}
