// Draws two letters with PAG, in this thread and off it, and prints the digest of each: the same in every engine.
import { createHash } from 'node:crypto';
import {
  createScheduler,
  createUNet,
  fastestBackend,
  loadModelFolder,
  manualSeed,
  openSampler,
  pag,
  sampleToEnd,
  unetDenoiser,
} from 'pag-reference';
import { folderReader, lettersModel } from 'pag-reference/node';

const digest = ({ data }) => createHash('sha256').update(new Uint8Array(data.buffer)).digest('hex').slice(0, 16);
const model = await loadModelFolder(await folderReader(lettersModel), lettersModel);
const backend = fastestBackend({ threads: 2 });
const { randn } = manualSeed(0);
const here = sampleToEnd({
  denoiser: unetDenoiser(createUNet(model.config, model.weights), backend, { labels: [0, 1] }),
  guidance: pag({ pagScale: 1, layers: ['mid'] }),
  scheduler: createScheduler({ _class_name: 'EulerDiscreteScheduler' }, 3),
  noise: randn([2, 1, 32, 32]),
  noiseSource: randn,
});
backend.dispose();

let told = 'in a worker';
const sampler = await openSampler(model, {
  onFallback: (reason) => {
    told = reason.includes('no worker here') ? 'in the same thread' : reason;
  },
});
const elsewhere = await sampler.sample({
  labels: [0, 1],
  guidance: { name: 'pag', pagScale: 1, pagLayers: ['mid'] },
  scheduler: { _class_name: 'EulerDiscreteScheduler' },
  steps: 3,
});
sampler.close();
console.log(`DIGEST ${digest(here)} ${backend.name}; ${digest(elsewhere)} ${told}`);
process.exit(0);
