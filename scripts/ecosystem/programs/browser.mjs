// What a page imports to load, guide and draw in a worker.
import { loadModelFolder, openSampler, toImageData, urlReader } from 'pag-reference';

const model = await loadModelFolder(urlReader('letters/model'), 'letters');
const sampler = await openSampler(model);
globalThis.drawn = toImageData(await sampler.sample({ labels: [0], guidance: { name: 'pag', pagScale: 1 } }));
