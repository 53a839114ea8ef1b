/** What a process of the bench is asked for, and what it tells: of all languages alike (see task.py). */
import { writeFileSync } from 'node:fs';
import { processorTime } from '../processor-time.ts';
import type { Subject } from '../cases.ts';

/** Passes of one subject; the process gets it as JSON, its first argument. */
export interface Task {
  readonly subject: Subject;
  /** A safetensors file with the inputs by name, from prepare.py. */
  readonly data: string;
  /** The same module for those who read ONNX. */
  readonly onnx: string;
  readonly threads: number;
  readonly warm: number;
  readonly passes: number;
  /** Where the last result goes, as float32. */
  readonly out: string;
}

/** Milliseconds on the wall, and of the processor, all threads together. */
export interface Time {
  readonly wall: number;
  readonly processor: number;
}

/** What a process tells, as JSON on stdout. */
export interface Told {
  /** Of the library, and in which precision it computes where it has a choice. */
  readonly version: string;
  readonly first: Time;
  /** Of the passes that count. */
  readonly passes: readonly Time[];
  /** The largest resident set. */
  readonly megabytes: number;
}

/** The task of this process. */
export function givenTask(): Task {
  return JSON.parse(process.argv[2] ?? '') as Task;
}

/** Runs the passes of a task, and tells how long they took. */
export async function perform(
  { warm, passes, out }: Task,
  version: string,
  run: () => Promise<Float32Array> | Float32Array,
): Promise<void> {
  let result: Float32Array = new Float32Array();
  const times = await timesOf(warm + passes, async () => {
    result = await run();
  });
  writeFileSync(out, result);
  tell(version, warm, times);
}

/** How long each of so many runs took, the first one first. */
export async function timesOf(count: number, run: () => unknown): Promise<readonly Time[]> {
  const times: Time[] = [];
  for (let i = 0; i < count; i++) {
    const [wall, processor] = [performance.now(), processorTime()];
    await run();
    times.push({ wall: performance.now() - wall, processor: processorTime() - processor });
  }
  return times;
}

/** Tells them. @param warm how many do not count */
export function tell(version: string, warm: number, times: readonly Time[]): void {
  const [first = { wall: NaN, processor: NaN }] = times;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  const told: Told = { version, first, passes: times.slice(warm), megabytes };
  console.log(JSON.stringify(told));
}
