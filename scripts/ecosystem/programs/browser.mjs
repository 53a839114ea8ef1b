// What a page imports to load, guide and draw in a worker. The digest of what it drew becomes its title.
import { loadModelFolder, openSampler, urlReader } from 'pag-reference';
import { digestOf, request } from './request.mjs';
import { titled } from './titled.mjs';

async function draw() {
  const model = await loadModelFolder(urlReader('/letters/model'), 'letters');
  let told = 'in a worker';
  const sampler = await openSampler(model, {
    onFallback: (reason) => {
      told = reason.includes('no worker here') ? 'in the same thread' : reason;
    },
  });
  const digest = await digestOf(await sampler.sample(request));
  return `DIGEST ${digest} ${sampler.kernels}, ${told}`;
}

titled(draw);
