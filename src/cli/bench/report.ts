/** What was measured, as text. */
import type { GuidanceTimes } from './guidance.ts';
import type { ModelTimes } from './model.ts';
import type { OperationTime } from './operations.ts';

/** All that `pag bench` measures. */
export interface BenchResult {
  /** As `Node 20.1.0, x64`. */
  readonly engine: string;
  readonly kernels: string;
  /** 10⁹ multiplications and additions a second that a loop on registers reaches on one thread. */
  readonly peakGigaflops: number;
  readonly operations: readonly OperationTime[];
  readonly model: ModelTimes & { readonly steps: readonly OperationTime[] };
  readonly guidance: GuidanceTimes;
  /** The most memory that the process had at any time. */
  readonly residentMegabytes: number;
}

/** So many kinds of steps have a line of their own. */
const shown = 16;

/** The result for people. */
export function benchReport({
  engine,
  kernels,
  peakGigaflops,
  operations,
  model,
  guidance,
  residentMegabytes,
}: BenchResult): string {
  const others = {
    name: `the other ${Math.max(0, model.steps.length - shown)} kinds of steps`,
    milliseconds: model.steps.slice(shown).reduce((sum, step) => sum + step.milliseconds, 0),
    gigaflops: 0,
    shareOfPeak: 0,
  };
  const steps = Object.entries(guidance.stepMilliseconds).map(([name, time]) => `${name} ${milliseconds(time)}`);
  return `${engine}, kernels ${kernels}; peak ${peakGigaflops.toFixed(1)} GFLOP/s on one thread

Operations on one thread: the whole call, input and output copied; the speed of its products alone, and beside the \
peak at the same moments:
${operations.map(line).join('\n')}

The model, one sample:
  one thread ${milliseconds(model.milliseconds)}; ${overLoops(model)}
  ${overOneThread(model)}
${model.steps.slice(0, shown).map(line).join('\n')}
${line(others)}

Guidance, a whole step, perturbed in ${guidance.layers.join(', ')}:
  ${steps.join(', ')}
  ${overheads(guidance)}

Memory: ${residentMegabytes.toFixed(0)} MB resident at most`;
}

function line({ name, milliseconds: time, gigaflops, shareOfPeak }: OperationTime): string {
  const start = `  ${name.padEnd(36)} ${time.toFixed(3).padStart(9)} ms`;
  if (gigaflops === 0) return start;
  const share = (100 * shareOfPeak).toFixed(0).padStart(4);
  return `${start} ${gigaflops.toFixed(1).padStart(7)} GFLOP/s ${share} % of peak`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function overLoops({ loopsMilliseconds, overLoops: times }: ModelTimes): string {
  return `plain loops ${milliseconds(loopsMilliseconds)}, ${times.toFixed(1)} times as long`;
}

function overOneThread({ threads, threadsMilliseconds, threadsOverOne }: ModelTimes): string {
  if (threads === 1) return 'more threads were not asked for';
  return `${threads} threads ${milliseconds(threadsMilliseconds)}, ${threadsOverOne.toFixed(2)} times as fast as one`;
}

function overheads({ pagOverPlain, cfgPagOverCfg }: GuidanceTimes): string {
  const ofPag = `pag over none ${pagOverPlain.toFixed(2)}`;
  return cfgPagOverCfg === undefined ? ofPag : `${ofPag}, cfg+pag over cfg ${cfgPagOverCfg.toFixed(2)}`;
}
