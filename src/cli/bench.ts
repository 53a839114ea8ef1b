/** `pag bench`: how fast the kernels are here, alone and in a model, and what guidance costs. */
import { runModel } from '../models/passes.ts';
import { availableParallelism } from 'node:os';
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Backend, Kernels } from '../kernels/kernels.ts';
import { referenceBackend } from '../kernels/plain/index.ts';
import { peakMeter, simdBackend, simdSupported, type SimdOptions, type StepTime } from '../kernels/simd/index.ts';
import { cfg } from '../guidance/cfg.ts';
import type { Guidance } from '../guidance/guidance.ts';
import { none } from '../guidance/none.ts';
import { cfgPag, pag } from '../guidance/pag.ts';
import { unetDenoiser } from '../sampling/denoiser.ts';
import { sampleSteps } from '../sampling/sample.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { selectLayers } from '../models/selectors.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { fastKernels, fastOptions } from './backend.ts';
import type { Command } from './command.ts';
import { median, medianTimes, type Subject } from './measure.ts';
import { loadModel } from './model.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { lettersModel } from './shipped.ts';

const kinds: OptionKinds = { model: 'text', threads: 'text', kernels: 'text', json: 'flag' };

const help = `pag bench [options]

Measures the SIMD kernels on this machine: single operations, a whole model step by step, the plain loops beside it, more
threads beside one, and what guidance costs. Times are medians of runs that take turns. The peak is what a loop that only
touches registers reaches in the same process at the same moments: as many multiplications as additions, on one thread.

  --model DIR                     a pipeline or UNet folder (the letters model that ships)
  --threads N                     how many threads to compare with one (as many as there are cores)
  --kernels simd|simd-wide|simd-fma
                                  with vectors of 128 bits, of 256, or with fused multiply-add (simd)
  --json                          all figures as JSON`;

export const benchCommand: Command = { summary: 'measures the kernels and a model on this machine', help, run };

interface OperationTime {
  readonly name: string;
  readonly milliseconds: number;
  /** 10⁹ multiplications and additions a second in its products; 0 for operations without. */
  readonly gigaflops: number;
  /** Of what the loop of registers reached at the same moments. */
  readonly shareOfPeak: number;
}

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  if (!simdSupported()) throw new InputError('this engine has no WebAssembly SIMD, so there is nothing to measure');
  const kernels = fastOptions(options.choice('kernels', fastKernels) ?? 'simd');
  const threads = options.integer('threads', 1, 256) ?? availableParallelism();
  const folder = options.text('model') ?? lettersModel;
  const { unet } = await loadModel(folder, 'f32');
  if (!unet.config.sampleSize) throw new InputError(`${folder}: the model has no sample_size`);

  const single = simdBackend(kernels);
  const several = threads > 1 ? simdBackend({ threads, ...kernels }) : undefined;
  // To be taken beside what is compared with it: the speed of a shared machine changes from second to second.
  const peak = peakMeter(kernels.wide);
  const result = {
    engine: `Node ${process.versions.node}, ${process.arch}`,
    kernels: single.name,
    peakGigaflops: Math.max(...Array.from({ length: 40 }, peak)),
    operations: measureOperations(kernels, peak),
    model: { ...measureModel(unet, single, several, threads), steps: measureSteps(unet, kernels, peak) },
    guidance: measureGuidance(unet, single),
    residentMegabytes: process.resourceUsage().maxRSS / 1024,
  };
  single.dispose();
  several?.dispose();
  console.log(options.has('json') ? JSON.stringify(result, null, 2) : report(result, threads));
  return 0;
}

/** Operations as UNets have them, on their own: name, products, inputs by shape, what to compute. */
function operationList() {
  const weights = (...shape: number[]): Tensor => manualSeed(1).randn(shape);
  const even = { top: 1, bottom: 1, left: 1, right: 1 };
  const conv = (c: number, o: number, size: number) => {
    const weight = weights(o, c, 3, 3);
    return {
      name: `conv 3×3 ${c}→${o} @${size}×${size}`,
      products: 9 * c * o * size ** 2,
      shape: [1, c, size, size],
      apply: (k: Kernels, x: Tensor) => k.conv2d(x, weight, undefined, 1, even),
    };
  };
  const square = weights(512, 512);
  const [scale, shift] = [weights(64), weights(64)];
  return [
    conv(64, 64, 32),
    conv(128, 128, 16),
    conv(320, 320, 64),
    {
      name: 'matmul 512³',
      products: 512 ** 3,
      shape: [512, 512],
      apply: (k: Kernels, x: Tensor) => k.linear(x, square, undefined),
    },
    {
      name: 'attention 4 heads × 256 × 16',
      products: 2 * 4 * 256 ** 2 * 16,
      shape: [1, 256, 64],
      apply: (k: Kernels, x: Tensor) => k.attention(x, x, x, 4, 0.25),
    },
    {
      name: 'group norm 64 @32×32',
      products: 0,
      shape: [1, 64, 32, 32],
      apply: (k: Kernels, x: Tensor) => k.groupNorm(x, 8, scale, shift, 1e-5),
    },
    ...(['silu', 'gelu', 'mish'] as const).map((kind) => ({
      name: `${kind} 64 @32×32`,
      products: 0,
      shape: [1, 64, 32, 32],
      apply: (k: Kernels, x: Tensor) => k.activation(x, kind),
    })),
  ];
}

/** Each operation as a call of its own, and within it the steps with products, beside the peak. */
function measureOperations(kernels: Pick<SimdOptions, 'fma' | 'wide'>, peak: () => number): readonly OperationTime[] {
  let inProducts = 0;
  const backend = simdBackend({
    ...kernels,
    watch: ({ products, milliseconds }) => {
      inProducts += products > 0 ? milliseconds : 0;
    },
  });
  const measured = operationList().map(({ name, products, shape, apply }) => {
    const x = manualSeed(0).randn(shape);
    const program = (kernels: Kernels, inputs: Readonly<Record<string, Tensor>>) => ({
      y: apply(kernels, inputs['x']),
    });
    const rates: number[] = [];
    const shares: number[] = [];
    const run = (): void => {
      inProducts = 0;
      backend.run(program, { x });
    };
    const besidePeak = (): void => {
      run();
      const rate = gigaflopsOf(products, inProducts);
      rates.push(rate);
      shares.push(rate / peak());
    };
    const time = medianTimes([{ name, run }], 400).get(name)!;
    if (products > 0) for (let i = 0; i < 5 || i < Math.min(200, 600 / time); i++) besidePeak();
    return {
      name,
      milliseconds: time,
      gigaflops: products > 0 ? median(rates) : 0,
      shareOfPeak: products > 0 ? median(shares) : 0,
    };
  });
  backend.dispose();
  return measured;
}

function gigaflopsOf(products: number, milliseconds: number): number {
  return (2 * products) / milliseconds / 1e6;
}

function operationTime(name: string, products: number, milliseconds: number, peak: number): OperationTime {
  const gigaflops = gigaflopsOf(products, milliseconds);
  return { name, milliseconds, gigaflops, shareOfPeak: gigaflops / peak };
}

/** One sample as the model wants it. */
function modelInput(unet: UNet) {
  const sample = manualSeed(0).randn([1, unet.config.inChannels, ...unet.config.sampleSize!]);
  return { sample, timesteps: [500], ...(unet.config.classEmbedding !== 'none' && { classLabels: [0] }) };
}

function measureModel(unet: UNet, single: Backend, several: Backend | undefined, threads: number) {
  const input = modelInput(unet);
  const forward = (backend: Backend): Subject => ({
    name: backend.name,
    run: () => void runModel(unet, backend, input),
  });
  const loops = medianTimes([forward(referenceBackend())], 1000).get('reference')!;
  const subjects = [
    { ...forward(single), name: 'one' },
    ...(several ? [{ ...forward(several), name: 'several' }] : []),
  ];
  const times = medianTimes(subjects, 3000);
  const one = times.get('one')!;
  const many = times.get('several') ?? one;
  return {
    milliseconds: one,
    threads,
    threadsMilliseconds: many,
    loopsMilliseconds: loops,
    overLoops: loops / one,
    threadsOverOne: one / many,
  };
}

/** The steps of the model's program, those of one name and shape together, the longest first. */
function measureSteps(
  unet: UNet,
  kernels: Pick<SimdOptions, 'fma' | 'wide'>,
  peak: () => number,
): readonly OperationTime[] {
  const sums = new Map<string, { products: number; milliseconds: number }>();
  const watch = ({ name, products, milliseconds }: StepTime): void => {
    const sum = sums.get(name) ?? { products: 0, milliseconds: 0 };
    sums.set(name, { products: sum.products + products, milliseconds: sum.milliseconds + milliseconds });
  };
  const backend = simdBackend({ ...kernels, watch });
  const input = modelInput(unet);
  for (let i = 0; i < 5; i++) runModel(unet, backend, input);
  sums.clear();
  const rounds = 20;
  const peaks: number[] = [];
  for (let i = 0; i < rounds; i++) {
    runModel(unet, backend, input);
    peaks.push(peak());
  }
  backend.dispose();
  return [...sums]
    .map(([name, { products, milliseconds }]) =>
      operationTime(name, products / rounds, milliseconds / rounds, median(peaks)),
    )
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** A step of each guidance, the whole of it: passes, combination, scheduler. */
function measureGuidance(unet: UNet, backend: Backend) {
  const layers = unet.attentionLayers.includes('mid_block.attentions.0')
    ? selectLayers(['mid'], unet.attentionLayers)
    : unet.attentionLayers.slice(0, 1);
  const conditional = unet.config.classEmbedding !== 'none';
  const guidances: readonly Guidance[] = [
    none,
    pag({ pagScale: 1, layers }),
    ...(conditional ? [cfg(2), cfgPag(2, { pagScale: 1, layers })] : []),
  ];
  const { sample } = modelInput(unet);
  const subjects = guidances.map((guidance): Subject => {
    const start = () =>
      sampleSteps({
        denoiser: unetDenoiser(unet, backend, conditional ? { labels: [0], nullLabel: 1 } : {}),
        guidance,
        scheduler: createScheduler({ _class_name: 'DDIMScheduler' }, 1000),
        noise: sample,
        noiseSource: (shape) => manualSeed(0).randn(shape),
      });
    let steps = start();
    return {
      name: guidance.name,
      run: () => {
        if (steps.next().done) steps = start();
      },
    };
  });
  const times = medianTimes(subjects, 4000);
  const time = (name: string): number => times.get(name) ?? NaN;
  return {
    layers,
    stepMilliseconds: Object.fromEntries(times),
    pagOverPlain: time('pag') / time('none'),
    ...(conditional && { cfgPagOverCfg: time('cfg+pag') / time('cfg') }),
  };
}

function report(
  result: {
    engine: string;
    kernels: string;
    peakGigaflops: number;
    operations: readonly OperationTime[];
    residentMegabytes: number;
    model: ReturnType<typeof measureModel> & { steps: readonly OperationTime[] };
    guidance: ReturnType<typeof measureGuidance>;
  },
  threads: number,
): string {
  const { model, guidance } = result;
  const line = ({ name, milliseconds, gigaflops, shareOfPeak }: OperationTime): string => {
    const rate =
      gigaflops > 0
        ? `${gigaflops.toFixed(1).padStart(7)} GFLOP/s ${(100 * shareOfPeak).toFixed(0).padStart(4)} % of peak`
        : '';
    return `  ${name.padEnd(36)} ${milliseconds.toFixed(3).padStart(9)} ms ${rate}`.trimEnd();
  };
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const shown = 16;
  const rest = model.steps.slice(shown).reduce((sum, step) => sum + step.milliseconds, 0);
  return `${result.engine}, kernels ${result.kernels}; peak ${result.peakGigaflops.toFixed(1)} GFLOP/s on one thread

Operations on one thread: the whole call, input and output copied; the speed of its products alone, and beside the peak at the same moments:
${result.operations.map(line).join('\n')}

The model, one sample:
  one thread ${ms(model.milliseconds)}; plain loops ${ms(model.loopsMilliseconds)}, ${model.overLoops.toFixed(1)} times as long
  ${threads > 1 ? `${threads} threads ${ms(model.threadsMilliseconds)}, ${model.threadsOverOne.toFixed(2)} times as fast as one` : 'more threads were not asked for'}
${model.steps.slice(0, shown).map(line).join('\n')}
${line({ name: `the other ${Math.max(0, model.steps.length - shown)} kinds of steps`, milliseconds: rest, gigaflops: 0, shareOfPeak: 0 })}

Guidance, a whole step, perturbed in ${guidance.layers.join(', ')}:
  ${Object.entries(guidance.stepMilliseconds)
    .map(([name, time]) => `${name} ${ms(time)}`)
    .join(', ')}
  pag over none ${guidance.pagOverPlain.toFixed(2)}${guidance.cfgPagOverCfg === undefined ? '' : `, cfg+pag over cfg ${guidance.cfgPagOverCfg.toFixed(2)}`}

Memory: ${result.residentMegabytes.toFixed(0)} MB resident at most`;
}
