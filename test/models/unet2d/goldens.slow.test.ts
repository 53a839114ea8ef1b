/**
 * Whole UNets against diffusers, module by module: eleven models that together have every key of UNet2DModel's config,
 * plain and with the identity perturbation in several selections of layers. And the fast kernels against the plain
 * loops, bit for bit.
 */
import { describe } from 'vitest';
import { createUNet } from '../../../src/models/unet2d/unet.ts';
import { unetGoldens } from '../unet-goldens.ts';
import { goldenModel, goldenModels } from './golden-models.ts';

// The convolution of a resampling layer has the output of the layer, and is not stored twice.
const agreesWithGoldens = unetGoldens(createUNet, /samplers\.\d+\.conv$/);

describe.each(goldenModels)('the UNet "%s"', async (name) => {
  agreesWithGoldens(await goldenModel(name));
});
