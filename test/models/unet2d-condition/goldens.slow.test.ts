/**
 * Whole UNet2DConditionModels against diffusers, module by module: ten models that together have every key of the
 * config, plain and with the identity in the self-attention of several selections. And the fast kernels against the
 * plain loops, bit for bit.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import type { ModelInput } from '../../../src/models/model.ts';
import { runModel } from '../../../src/models/passes.ts';
import type { Perturbation } from '../../../src/models/stage.ts';
import { createUNetCondition, type UNetCondition } from '../../../src/models/unet2d-condition/unet-condition.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { disagreement, goldenNames, goldenOf } from '../../agreement.ts';
import { expectSameBits } from '../../kernels/simd/support.ts';
import { goldenModel, goldenModels } from './golden-models.ts';

const perturb = (layers: readonly string[]): Perturbation => new Map(layers.map((layer) => [layer, identity]));

/** All taps of one pass, and its `prediction`. */
function forward(unet: UNetCondition, input: ModelInput, layers: readonly string[]): Readonly<Record<string, Tensor>> {
  const { taps, predictions } = runModel(unet, reference, input, { passes: [perturb(layers)], taps: ['*'] });
  return { ...taps, prediction: predictions[0] };
}

const reference = referenceBackend();
const fast = [simdBackend(), simdBackend({ threads: 2 })];
afterAll(() => fast.forEach((backend) => backend.dispose()));

describe.each(goldenModels)('the UNet "%s"', async (name) => {
  const { config, weights, file, passes, input } = await goldenModel(name);

  describe.each(['f32', 'f64'] as const)('in %s', (dtype) => {
    const unet = createUNetCondition(config, weights, dtype);
    it.each(Object.entries(passes))('agrees at every tap, pass "%s"', (pass, layers) => {
      const ours = forward(unet, input, layers);
      const names = goldenNames(file, `${pass}/`);
      expect(names.length).toBeGreaterThan(pass === 'plain' ? 40 : 2);
      const wrong = names.map((tap) => [tap, disagreement(ours[tap], goldenOf(file, `${pass}/${tap}`))]);
      expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
    });
  });

  it('shows every module that diffusers has, and no other', () => {
    const ours = Object.keys(forward(createUNetCondition(config, weights), input, []));
    // The convolution of a resampling layer has the output of the layer; the map of text and pixels has no golden.
    const shown = ours.filter((tap) => !/samplers\.\d+\.conv$/.test(tap));
    const stored = goldenNames(file, 'plain/');
    expect(shown.filter((tap) => !/attentions\.\d+\.map$/.test(tap)).sort()).toEqual([...stored].sort());
  });

  it('has the sites that diffusers may perturb', () => {
    const { attentionLayers } = createUNetCondition(config, weights);
    const ofDiffusers = Object.values(passes).reduce(
      (most, layers) => (layers.length > most.length ? layers : most),
      [],
    );
    expect([...attentionLayers].sort()).toEqual([...ofDiffusers].sort());
  });

  it.each(fast.map((backend, i) => [i + 1, backend] as const))(
    'has the same bits with SIMD kernels, threads: %d',
    (_threads, backend) => {
      const unet = createUNetCondition(config, weights);
      const options = { passes: Object.values(passes).map(perturb), taps: ['*'] };
      const [ours, expected] = [backend, reference].map((each) => runModel(unet, each, input, options));
      expectSameBits(ours.taps, expected.taps);
      expect(ours.predictions).toEqual(expected.predictions);
    },
  );
});
