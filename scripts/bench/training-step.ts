/**
 * One process of training.ts: steps of ours. Arguments: the kernels, simd or simd-wide, how many threads, and in which
 * order the convolutions of the way there add up.
 */
import { median } from '../../src/cli/bench/times.ts';
import { createUNet, loadModelFolder, lossGradient, manualSeed, simdBackend, type Order } from '../../src/index.ts';
import { folderReader, lettersModel } from '../../src/node.ts';
import { processorTime } from './processor-time.ts';

const [, , kernels, threads, order] = process.argv;
const { config, weights } = await loadModelFolder(await folderReader(lettersModel), lettersModel);
const unet = createUNet(config, weights);
const backend = simdBackend({ threads: Number(threads), wide: kernels === 'simd-wide', order: order as Order });
const { randn } = manualSeed(0);
const [sample, target] = [randn([16, 1, 32, 32]), randn([16, 1, 32, 32])];
const each = Array.from({ length: 16 }, (_, i) => i);
const input = { sample, timesteps: each.map((i) => 50 * i), classLabels: each };
const steps = Array.from({ length: 13 }, () => {
  const [wall, used] = [performance.now(), processorTime()];
  lossGradient(unet, backend, input, target);
  return { wall: performance.now() - wall, processor: processorTime() - used };
}).slice(3);
backend.dispose();
console.log(
  JSON.stringify({
    processor: median(steps.map(({ processor }) => processor)),
    wall: median(steps.map(({ wall }) => wall)),
    memory: process.resourceUsage().maxRSS / 1024,
  }),
);
