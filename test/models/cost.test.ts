/** The cost of passes is that of the products that running them does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyOperation, kernelsFrom, productsOf } from '../../src/kernels/operations/index.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { guidedCost, passCost } from '../../src/models/cost.ts';
import type { Model, ModelInput } from '../../src/models/model.ts';
import { traceModel, unwatched } from '../../src/models/passes.ts';
import { unperturbed, type Perturbation } from '../../src/models/stage.ts';
import { identity, skip } from '../../src/nn/attention-perturbations/index.ts';
import { inputOf as textInputOf, randomUNet as randomConditional } from './unet2d-condition/models.ts';
import { noise, randomUNet, skipConfig, smallConfig } from './unet2d/models.ts';

const unets = [
  smallConfig,
  { ...smallConfig, num_class_embeds: null, time_embedding_type: 'fourier', downsample_type: 'resnet' },
  { ...smallConfig, num_class_embeds: null, class_embed_type: 'timestep', resnet_time_scale_shift: 'scale_shift' },
  { ...smallConfig, time_embedding_type: 'learned', num_train_timesteps: 10, mid_block_type: null },
  skipConfig,
].map((config) => randomUNet(config));

const inputOf = (unet: (typeof unets)[number], batch = 1) => ({
  sample: noise([batch, unet.config.inChannels, 8, 8]),
  timesteps: [1],
  ...(unet.config.classEmbedding !== 'none' && { classLabels: [0] }),
});

/** The multiply-adds of one pass, counted while it runs. */
function productsIn<State>(
  model: Model<unknown, ModelInput, State>,
  input: ModelInput,
  perturbation: Perturbation,
): number {
  let count = 0;
  const counting = kernelsFrom({
    operation: (operation, tensors) => {
      count += productsOf(
        operation,
        tensors.map(({ shape }) => shape),
      );
      return applyOperation(referenceKernels, operation, tensors);
    },
    joinedConv2d: (x, weight, bias, stride, padding) => counting.conv2d(x, weight, bias, stride, padding),
  });
  traceModel(model, counting, input, [perturbation], () => unwatched);
  return count;
}

const counted = (unet: (typeof unets)[number], perturbation: Perturbation, batch: number): number =>
  productsIn(unet, inputOf(unet, batch), perturbation);

const selections = fc
  .constantFrom(...unets)
  .chain((unet) =>
    fc.tuple(fc.constant(unet), fc.subarray([...unet.attentionLayers]), fc.constantFrom(identity, skip)),
  );

describe('the cost', () => {
  it('of a pass is the number of products that it does, plain or perturbed, for one picture or more', () => {
    fc.assert(
      fc.property(selections, fc.integer({ min: 1, max: 3 }), ([unet, layers, mixer], batch) => {
        const perturbation = new Map(layers.map((layer) => [layer, mixer]));
        expect(passCost(unet, inputOf(unet, batch), [perturbation])).toBe(counted(unet, perturbation, batch));
      }),
      { numRuns: 20 },
    );
  });

  it('of a model with text is that of its products, too', () => {
    const unet = randomConditional();
    const input = textInputOf();
    for (const layers of [[], unet.attentionLayers]) {
      const perturbation = new Map(layers.map((layer) => [layer, identity]));
      expect(passCost(unet, input, [perturbation])).toBe(productsIn(unet, input, perturbation));
    }
  });

  it('of two passes is what both share, once, and the rest of each', () => {
    fc.assert(
      fc.property(selections, ([unet, layers, mixer]) => {
        const perturbation = new Map(layers.map((layer) => [layer, mixer]));
        const input = inputOf(unet);
        const { shared, plain, perturbed } = guidedCost(unet, input, perturbation);
        expect(shared + plain).toBe(passCost(unet, input, [unperturbed]));
        expect(shared + perturbed).toBe(passCost(unet, input, [perturbation]));
        expect(shared + plain + perturbed).toBe(passCost(unet, input, [unperturbed, perturbation]));
        expect(Math.min(shared, plain, perturbed)).toBeGreaterThanOrEqual(0);
        if (layers.length === 0) expect(plain + perturbed).toBe(0);
      }),
      { numRuns: 20 },
    );
  });
});
