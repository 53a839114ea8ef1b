// What a page imports to load, guide and draw in a worker. The digest of what it drew becomes its title.
import { loadModelFolder, openSampler, urlReader } from 'pag-reference';

async function draw() {
  const model = await loadModelFolder(urlReader('/letters/model'), 'letters');
  let told = 'in a worker';
  const sampler = await openSampler(model, {
    onFallback: (reason) => {
      told = reason.includes('no worker here') ? 'in the same thread' : reason;
    },
  });
  const { data } = await sampler.sample({
    labels: [0, 1],
    guidance: { name: 'pag', pagScale: 1, pagLayers: ['mid'] },
    scheduler: { _class_name: 'EulerDiscreteScheduler' },
    steps: 3,
  });
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data.buffer));
  const shown = [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `DIGEST ${shown} ${sampler.kernels}, ${told}`;
}

draw().then(
  (said) => {
    document.title = said;
  },
  (error) => {
    document.title = `FAILED ${error.message}`;
  },
);
