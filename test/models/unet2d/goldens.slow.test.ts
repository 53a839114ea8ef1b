/**
 * Whole UNets against diffusers, module by module: eleven models that together have every key of UNet2DModel's config,
 * plain and with the identity perturbation in several selections of layers. And the fast kernels against the plain
 * loops, bit for bit.
 */
import type { ModelInput } from '../../../src/models/model.ts';
import { runModel } from '../../../src/models/passes.ts';
import type { Perturbation } from '../../../src/models/stage.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { readNumbers, readTensor } from '../../../src/formats/safetensors.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { createUNet, type UNet } from '../../../src/models/unet2d/unet.ts';
import { disagreement, goldenNames, goldenOf } from '../../agreement.ts';
import { loadFixtureModel, metadataOf, openGoldens } from '../../goldens.ts';
import { expectSameBits } from '../../kernels/simd/support.ts';

const models = [
  'classic',
  'fourier',
  'learned-time',
  'learned-variance',
  'no-middle',
  'odd-widths',
  'one-block',
  'rectangular',
  'skips',
  'skips-below',
  'two-layers',
] as const;

function perturb(layers: readonly string[]): Perturbation {
  return new Map(layers.map((layer) => [layer, identity]));
}

/** All taps of one pass, and its `prediction`. */
function forward(unet: UNet, input: ModelInput, layers: readonly string[]): Readonly<Record<string, Tensor>> {
  const { taps, predictions } = runModel(unet, reference, input, { passes: [perturb(layers)], taps: ['*'] });
  return { ...taps, prediction: predictions[0] };
}

const reference = referenceBackend();
const fast = [simdBackend(), simdBackend({ threads: 2 })];
afterAll(() => fast.forEach((backend) => backend.dispose()));

describe.each(models)('the UNet "%s"', async (name) => {
  const { config, weights } = await loadFixtureModel(`goldens/unets/${name}`);
  const file = openGoldens(`unets/${name}/golden.safetensors`);
  const passes = metadataOf<Readonly<Record<string, readonly string[]>>>(file, 'passes');
  const input: ModelInput = {
    sample: readTensor(file, 'sample'),
    timesteps: readNumbers(file, 'timestep').numbers,
    ...(file.entries.has('class_labels') && {
      classLabels:
        config.classEmbedding === 'identity'
          ? readTensor(file, 'class_labels')
          : readNumbers(file, 'class_labels').numbers,
    }),
  };

  describe.each(['f32', 'f64'] as const)('in %s', (dtype) => {
    const unet = createUNet(config, weights, dtype);
    it.each(Object.entries(passes))('agrees at every tap, pass "%s"', (pass, layers) => {
      const ours = forward(unet, input, layers);
      const names = goldenNames(file, `${pass}/`);
      expect(names.length).toBeGreaterThan(pass === 'plain' ? 40 : 2);
      const wrong = names.map((tap) => [tap, disagreement(ours[tap], goldenOf(file, `${pass}/${tap}`))]);
      expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
    });
  });

  it('shows every module that diffusers has, and no other', () => {
    const ours = Object.keys(forward(createUNet(config, weights), input, []));
    // The convolution of a resampling layer has the output of the layer, and is not stored twice.
    const stored = ours.filter((tap) => !/samplers\.\d+\.conv$/.test(tap));
    expect(stored.sort()).toEqual([...goldenNames(file, 'plain/')].sort());
  });

  it.each(fast.map((backend, i) => [i + 1, backend] as const))(
    'has the same bits with SIMD kernels, threads: %d',
    (_threads, backend) => {
      const unet = createUNet(config, weights);
      const options = { passes: Object.values(passes).map(perturb), taps: ['*'] };
      const [ours, expected] = [backend, reference].map((each) => runModel(unet, each, input, options));
      expectSameBits(ours.taps, expected.taps);
      expect(ours.predictions).toEqual(expected.predictions);
    },
  );
});
