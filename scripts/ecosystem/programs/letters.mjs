// Draws two letters with PAG, in this thread and off it, and prints the digest of each: the same in every engine.
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
import { digestOf, request } from './request.mjs';

// In a function: chunks of Rollup that import their entry would wait for an `await` at its top level for ever.
async function draw() {
  const model = await loadModelFolder(await folderReader(lettersModel), lettersModel);
  const backend = fastestBackend({ threads: 2 });
  const { randn } = manualSeed(0);
  const here = sampleToEnd({
    denoiser: unetDenoiser(createUNet(model.config, model.weights), backend, { labels: request.labels }),
    guidance: pag({ pagScale: 1, layers: ['mid'] }),
    scheduler: createScheduler(request.scheduler, request.steps),
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
  const elsewhere = await sampler.sample(request);
  sampler.close();
  console.log(`DIGEST ${await digestOf(here)} ${backend.name}; ${await digestOf(elsewhere)} ${told}`);
  process.exit(0);
}

draw();
