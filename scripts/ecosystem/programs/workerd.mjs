// Draws two letters in workerd, where no WebAssembly can be compiled and no worker started.
import { loadModelFolder, openSampler } from 'pag-reference';
import { digestOf, request } from './request.mjs';

export default {
  async fetch(_request, environment) {
    const read = async (path) => (environment[path] ? new Uint8Array(environment[path]) : undefined);
    const model = await loadModelFolder(read, 'letters');
    const told = [];
    const sampler = await openSampler(model, { onFallback: (reason) => told.push(reason.split(' (')[0]) });
    const digest = await digestOf(await sampler.sample(request));
    return new Response(`DIGEST ${digest} ${sampler.kernels}, told that ${told.join(', and ')}`);
  },
};
