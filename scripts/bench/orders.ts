/**
 * What the fast order of convolutions saves and costs, on the letters UNet: `npx tsx scripts/bench/orders.ts [--wide]
 * [--model DIR] [--turns 5]`. Processor time of a pass on one thread, of processes that take turns; and, relative and
 * as root mean square, how far the prediction is from that of f64.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { median } from '../../src/cli/bench/times.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { orders, type Order } from '../../src/kernels/order.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { runModel } from '../../src/models/passes.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { processorTime } from './processor-time.ts';

const letters = fileURLToPath(new URL('../../fixtures/letters/model', import.meta.url));
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: letters },
    wide: { type: 'boolean', default: false },
    turns: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
if (values.wide) setFlagsFromString('--experimental-wasm-revectorize');
const { config, weights } = await loadModelFolder(await folderReader(values.model), values.model);
const [height, width] = config.sampleSize ?? [32, 32];

/** What the model predicts of `count` samples, of the same noise each time. */
function predictor(backend: Backend, dtype: 'f32' | 'f64', count: number): () => ArrayLike<number> {
  const unet = createUNet(config, weights, dtype);
  const sample = cast(manualSeed(1).randn([count, config.inChannels, height, width]), dtype);
  const all = Array.from({ length: count }, (_, i) => i);
  const timesteps = all.map((i) => 20 + Math.floor((930 * i) / count));
  const classes = config.numClassEmbeds === undefined ? {} : { classLabels: all };
  return () => runModel(unet, backend, { sample, timesteps, ...classes }).predictions[0]?.data ?? [];
}

/** Milliseconds of processor time of a pass, in this process. */
function passTime(order: Order): number {
  const pass = predictor(simdBackend({ order, wide: values.wide }), 'f32', 1);
  for (let i = 0; i < 20; i++) pass();
  const start = processorTime();
  const passes = 40;
  for (let i = 0; i < passes; i++) pass();
  return (processorTime() - start) / passes;
}

function relativeError(found: ArrayLike<number>, truth: ArrayLike<number>): number {
  const differences = Array.from(truth, (value, i) => (found[i] ?? NaN) - value);
  return Math.hypot(...differences) / Math.hypot(...Array.from(truth));
}

const only = orders.find((order) => order === values.only);
if (only) console.log(passTime(only));
else {
  const script = fileURLToPath(import.meta.url);
  const turn = (order: Order): number => {
    const given = [...process.execArgv, script, ...process.argv.slice(2), '--only', order];
    return Number(execFileSync(process.execPath, given, { encoding: 'utf8' }));
  };
  const times = Array.from({ length: Number(values.turns) }, () => orders.map(turn));
  const truth = predictor(referenceBackend(), 'f64', 8)();
  orders.forEach((order, i) => {
    const own = times.map((row) => row[i] ?? NaN);
    const error = relativeError(predictor(simdBackend({ order }), 'f32', 8)(), truth);
    const range = `${Math.min(...own).toFixed(1)} to ${Math.max(...own).toFixed(1)}`;
    console.log(`${order}: ${median(own).toFixed(1)} ms (${range}) a pass, error ${error.toExponential(2)}`);
  });
}
