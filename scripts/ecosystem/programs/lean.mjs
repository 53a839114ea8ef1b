// The least that loads a model from a URL, guides it with PAG and draws with it in the page's own thread: what is
// imported is named one by one, so that nothing else is bundled. The digest of what it drew becomes the page's title.
import {
  createSchedulerOf,
  createUNet,
  EulerDiscreteScheduler,
  leanBackend,
  loadModelFolder,
  manualSeed,
  pag,
  sampleToEnd,
  toImageData,
  unetDenoiser,
  urlReader,
} from 'pag-reference';
import { digestOf, request } from './request.mjs';
import { titled } from './titled.mjs';

async function draw() {
  const { config, weights } = await loadModelFolder(urlReader('/letters/model'), 'letters');
  const backend = leanBackend();
  const { randn } = manualSeed(0);
  const letters = sampleToEnd({
    denoiser: unetDenoiser(createUNet(config, weights), backend, { labels: request.labels }),
    guidance: pag({ pagScale: 1, layers: ['mid'] }),
    scheduler: createSchedulerOf(EulerDiscreteScheduler, request.scheduler, request.steps),
    noise: randn([2, 1, 32, 32]),
    noiseSource: randn,
  });
  const canvas = document.body.appendChild(document.createElement('canvas'));
  for (const index of [0, 1]) canvas.getContext('2d').putImageData(toImageData(letters, index), 32 * index, 0);
  return `DIGEST ${await digestOf(letters)} ${backend.name}, in the same thread`;
}

titled(draw);
