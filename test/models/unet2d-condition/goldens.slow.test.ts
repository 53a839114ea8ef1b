/**
 * Whole UNet2DConditionModels against diffusers, module by module: ten models that together have every key of the
 * config, plain and with the identity in the self-attention of several selections. And the fast kernels against the
 * plain loops, bit for bit.
 */
import { describe, expect, it } from 'vitest';
import { createUNetCondition } from '../../../src/models/unet2d-condition/unet-condition.ts';
import { unetGoldens } from '../unet-goldens.ts';
import { goldenModel, goldenModels } from './golden-models.ts';

// The convolution of a resampling layer has the output of the layer; the map of text and pixels has no golden.
const agreesWithGoldens = unetGoldens(createUNetCondition, /samplers\.\d+\.conv$|attentions\.\d+\.map$/);

describe.each(goldenModels)('the UNet "%s"', async (name) => {
  const golden = await goldenModel(name);
  agreesWithGoldens(golden);

  it('has the sites that diffusers may perturb', () => {
    const { attentionLayers } = createUNetCondition(golden.config, golden.weights);
    const ofDiffusers = Object.values(golden.passes).reduce(
      (most, layers) => (layers.length > most.length ? layers : most),
      [],
    );
    expect([...attentionLayers].sort()).toEqual([...ofDiffusers].sort());
  });
});
