// Draws two letters in workerd, where no WebAssembly can be compiled and no worker started.
import { loadModelFolder, openSampler } from 'pag-reference';

const digest = async ({ data }) => {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', data.buffer));
  return [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
};

export default {
  async fetch(_request, environment) {
    const read = async (path) => (environment[path] ? new Uint8Array(environment[path]) : undefined);
    const model = await loadModelFolder(read, 'letters');
    const told = [];
    const sampler = await openSampler(model, { onFallback: (reason) => told.push(reason.split(' (')[0]) });
    const drawn = await sampler.sample({
      labels: [0, 1],
      guidance: { name: 'pag', pagScale: 1, pagLayers: ['mid'] },
      scheduler: { _class_name: 'EulerDiscreteScheduler' },
      steps: 3,
    });
    return new Response(`DIGEST ${await digest(drawn)} ${sampler.kernels}, told that ${told.join(', and ')}`);
  },
};
