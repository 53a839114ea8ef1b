/** `pag bench`: how fast the kernels are here, alone and in a model, and what guidance costs. */
import { orders } from '../../kernels/order.ts';
import { mostThreads, peakMeter, simdBackend, simdRefusal } from '../../kernels/simd/index.ts';
import { InputError } from '../../tensor/errors.ts';
import { fastKernels, fastOptions, threadsHere } from '../backend.ts';
import type { Command } from '../command.ts';
import { printResult } from '../messages.ts';
import { loadModel } from '../model.ts';
import { readOptions, type OptionKinds } from '../options.ts';
import { lettersModel } from '../shipped.ts';
import { measureGuidance } from './guidance.ts';
import { benchModel, measureModel, measureSteps, type BenchModel } from './model.ts';
import { measureOperations, type FastKernels } from './operations.ts';
import { benchReport, type BenchResult } from './report.ts';

const kinds: OptionKinds = { model: 'text', threads: 'number', kernels: 'text', order: 'text' };

const help = `pag bench [options]

Measures the SIMD kernels on this machine: single operations, a whole model step by step, the plain loops beside it,
more threads beside one, and what guidance costs. Times are medians of runs that take turns. The peak is what a loop
that only touches registers reaches in the same process at the same moments: as many multiplications as additions, on
one thread.

  --model DIR                     a pipeline or UNet folder (the letters model that ships)
  --threads N                     how many threads to compare with one (as many as there are cores)
  --kernels simd|simd-wide|simd-fma
                                  with vectors of 128 bits, of 256, or with fused multiply-add (simd)
  --order direct|fast             how convolutions add up (direct)`;

/** The command `pag bench`. */
export const benchCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const refusal = simdRefusal();
  if (refusal !== undefined) throw new InputError(`${refusal}, so there is nothing to measure`);
  const order = options.choice('order', orders) ?? 'direct';
  const kernels = { ...fastOptions(options.choice('kernels', fastKernels) ?? 'simd'), order };
  const threads = options.integer('threads', 1, mostThreads) ?? threadsHere();
  const folder = options.text('model') ?? lettersModel;
  const { unet } = await loadModel(folder, 'f32');
  const result = measureAll(benchModel(unet, folder), kernels, threads);
  printResult(options, { text: benchReport(result), json: result });
  return 0;
}

function measureAll(model: BenchModel, kernels: FastKernels, threads: number): BenchResult {
  const single = simdBackend(kernels);
  const several = threads > 1 ? simdBackend({ threads, ...kernels }) : undefined;
  // To be taken beside what is compared with it: the speed of a shared machine changes from second to second.
  const peak = peakMeter(kernels.wide);
  const result = {
    engine: `Node ${process.versions.node}, ${process.arch}`,
    kernels: single.name,
    peakGigaflops: Math.max(...Array.from({ length: 40 }, peak)),
    operations: measureOperations(kernels, peak),
    model: { ...measureModel(model, single, several, threads), steps: measureSteps(model, kernels, peak) },
    guidance: measureGuidance(model, single),
    residentMegabytes: process.resourceUsage().maxRSS / 1024,
  };
  single.dispose();
  several?.dispose();
  return result;
}
