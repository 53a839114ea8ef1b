/**
 * What a UNet of a folder takes: `npx tsx scripts/real-sizes/measure.ts DIR [--height 64] [--width 64] [--threads 1]
 * [--passes 2] [--wide] [--order fast] [--out FILE]`, height and width those of its sample. One line of JSON: the
 * largest resident set; the time to load, and of the first pass and of later ones, in processor seconds of all threads.
 * `--out` gets the last prediction, as float32.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { componentKinds } from '../../src/formats/components.ts';
import { loadModelFiles } from '../../src/formats/model-files.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import { orders } from '../../src/kernels/order.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Model, ModelInput } from '../../src/models/model.ts';
import { runModel } from '../../src/models/passes.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { createUNetCondition } from '../../src/models/unet2d-condition/unet-condition.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { countOf } from '../bench/options.ts';
import { processorTime } from '../bench/processor-time.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    height: { type: 'string' },
    width: { type: 'string' },
    threads: { type: 'string', default: '1' },
    passes: { type: 'string', default: '2' },
    wide: { type: 'boolean', default: false },
    order: { type: 'string', default: 'direct' },
    out: { type: 'string' },
  },
});
const [folder = ''] = positionals;
const [threads, count] = [countOf('threads', values.threads), countOf('passes', values.passes)];
const order = orders.find((name) => name === values.order) ?? 'direct';
if (values.wide) setFlagsFromString('--experimental-wasm-revectorize');

interface Subject {
  readonly model: Model;
  readonly size: readonly [number, number];
  /** Draws the text, and what XL is told besides: after the sample, as torch_pass.py does. */
  condition(): Omit<ModelInput, 'sample' | 'timesteps'>;
}

const { randn } = manualSeed(1);

async function load(): Promise<Subject> {
  const pipeline = existsSync(join(folder, 'unet'));
  const readFile = await folderReader(folder);
  if (!pipeline) {
    const { config, weights } = await loadModelFolder(readFile, folder);
    const classes = config.numClassEmbeds === undefined ? {} : { classLabels: [0] };
    return { model: createUNet(config, weights), size: config.sampleSize ?? [32, 32], condition: () => classes };
  }
  const { config, weights } = await loadModelFiles(readFile, 'unet/', folder, componentKinds.UNet2DConditionModel);
  const isXl = config.additionEmbedType === 'text_time';
  const condition: Subject['condition'] = () => ({
    encoderHiddenStates: randn([1, 77, config.crossAttentionDim]),
    ...(isXl && { textEmbeds: randn([1, 1280]), timeIds: randn([1, 6]) }),
  });
  return { model: createUNetCondition(config, weights), size: config.sampleSize ?? [64, 64], condition };
}

function checksum({ data }: Tensor): number {
  let sum = 0;
  for (const value of data) sum += value;
  return sum;
}

const rounded = (value: number): number => Math.round(1000 * value) / 1000;
const seconds = (milliseconds: number): number => rounded(milliseconds / 1000);

const begun = processorTime();
const { model, size, condition } = await load();
const loaded = processorTime();
const [height, width] = [Number(values.height ?? size[0]), Number(values.width ?? size[1])];
const input: ModelInput = { sample: randn([1, model.inChannels, height, width]), timesteps: [500], ...condition() };
const backend = simdBackend({ threads, wide: values.wide, order });
const passes: { readonly processor: number; readonly wall: number }[] = [];
const sums: number[] = [];
let last: ArrayLike<number> = [];
for (let i = 0; i < count; i++) {
  const [before, start] = [processorTime(), performance.now()];
  const { predictions } = runModel(model, backend, input);
  passes.push({ processor: seconds(processorTime() - before), wall: seconds(performance.now() - start) });
  sums.push(...predictions.map(checksum));
  last = predictions[0]?.data ?? last;
}
if (values.out !== undefined) writeFileSync(values.out, Float32Array.from(last));
backend.dispose();
console.log(
  JSON.stringify({
    ...{ folder, size: `${8 * width} × ${8 * height}`, node: process.version, kernels: backend.name, order },
    threads,
    largestResidentGB: rounded((process.resourceUsage().maxRSS * 1024) / 1e9),
    load: seconds(loaded - begun),
    passes,
    checksums: sums,
  }),
);
