/** Whole models on the definition: the UNets of the goldens, and a step of the letters: the bits of the plain loops. */
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../../src/formats/safetensors.ts';
import { pag } from '../../../src/guidance/pag.ts';
import { definitionBackend } from '../../../src/kernels/definition/index.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { runModel } from '../../../src/models/passes.ts';
import { createUNet } from '../../../src/models/unet2d/unet.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import { unetDenoiser } from '../../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../../src/sampling/sample.ts';
import { createScheduler } from '../../../src/schedulers/registry.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { cast } from '../../../src/tensor/rounding.ts';
import type { DType } from '../../../src/tensor/tensor.ts';
import { loadFixtureModel, metadataOf, openGoldens } from '../../goldens.ts';
import { expectSameBits } from '../../kernels/bits.ts';
import { goldenInput } from './golden-models.ts';
import { thorough } from '../../thorough.ts';

const backends = [definitionBackend(), referenceBackend()];
/** Each precision has its model; all nine are run, the quickest of them in all precisions. */
const models: readonly (readonly [string, DType])[] = [
  ...(['f32', 'f64', 'f16', 'bf16'] as const).map((dtype) => ['one-block', dtype] as const),
  ['classic', 'f32'],
  ['fourier', 'f64'],
  ['learned-time', 'bf16'],
  ['learned-variance', 'f16'],
  ['no-middle', 'f32'],
  ['odd-widths', 'f32'],
  ['rectangular', 'f64'],
  ['two-layers', 'f32'],
];

it.each(models)('the UNet "%s" in %s, every tap of every pass', async (name, dtype) => {
  const { config, weights } = await loadFixtureModel(`goldens/unets/${name}`);
  const file = openGoldens(`unets/${name}/golden.safetensors`);
  const passes = Object.values(metadataOf<Readonly<Record<string, readonly string[]>>>(file, 'passes')).map(
    (layers) => new Map(layers.map((layer) => [layer, identity])),
  );
  const input = goldenInput(file, config, (from, tensor) => cast(readTensor(from, tensor), dtype));
  const unet = createUNet(config, weights, dtype);
  const [ours, expected] = backends.map((backend) => runModel(unet, backend, input, { passes, taps: ['*'] }));
  expect(Object.keys(ours.taps)).toEqual(Object.keys(expected.taps));
  for (const [tap, tensor] of Object.entries(expected.taps)) expectSameBits(ours.taps[tap], tensor);
  for (const [i, prediction] of expected.predictions.entries()) expectSameBits(ours.predictions[i], prediction);
});

describe('the letters model', async () => {
  const { config, weights } = await loadFixtureModel('letters/model');
  const unet = createUNet(config, weights);

  // A quarter of the picture, which takes a quarter of the time; the UNets above say the same of smaller ones.
  it.runIf(thorough)('a step with PAG', () => {
    const [ours, expected] = backends.map((backend) => {
      const { randn } = manualSeed(0);
      return sampleToEnd({
        denoiser: unetDenoiser(unet, backend, { labels: [15] }),
        guidance: pag({ pagScale: 2, layers: ['mid_block.attentions.0'] }),
        scheduler: createScheduler({ _class_name: 'DDIMScheduler' }, 1),
        noise: randn([1, 1, 16, 16]),
        noiseSource: randn,
      });
    });
    expectSameBits(ours, expected);
  });
});
