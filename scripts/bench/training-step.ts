/**
 * One process of training.ts: steps of ours. Arguments: the kernels, simd or simd-wide, in which order the convolutions
 * of the way there add up, how many threads, how many steps are warm, and how many count.
 */
import { createUNet, loadModelFolder, lossGradient, manualSeed, simdBackend, type Order } from '../../src/index.ts';
import { folderReader, lettersModel } from '../../src/node.ts';
import { tell, timesOf } from './processes/task.ts';

const [, , kernels, order, ...counts] = process.argv;
const [threads = 1, warm = 0, passes = 1] = counts.map(Number);
const { config, weights } = await loadModelFolder(await folderReader(lettersModel), lettersModel);
const unet = createUNet(config, weights);
const backend = simdBackend({ threads, wide: kernels === 'simd-wide', order: order as Order });
const { randn } = manualSeed(0);
const [sample, target] = [randn([16, 1, 32, 32]), randn([16, 1, 32, 32])];
const each = Array.from({ length: 16 }, (_, i) => i);
const input = { sample, timesteps: each.map((i) => 50 * i), classLabels: each };
const times = await timesOf(warm + passes, () => lossGradient(unet, backend, input, target));
backend.dispose();
tell(process.version, warm, times);
