/**
 * What a watcher puts in the place of a block's output takes that place everywhere: in what comes next, and among the
 * skips that the block leaves for the way up.
 */
import { describe, expect, it } from 'vitest';
import { referenceKernels as kernels } from '../../../src/kernels/plain/index.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import type { ModelInput } from '../../../src/models/model.ts';
import { traceModel, type Watcher } from '../../../src/models/passes.ts';
import { unperturbed, type Perturbation } from '../../../src/models/stage.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { noise, randomUNet, smallConfig } from './models.ts';

const unet = randomUNet();
const input: ModelInput = { sample: noise([2, 1, 8, 8]), timesteps: [400], classLabels: [1, 2] };

/** Every block, and the module whose output is the block's. */
const lastModules: readonly (readonly [block: string, module: string])[] = [
  ['down_blocks.0', 'down_blocks.0.downsamplers.0'],
  ['down_blocks.1', 'down_blocks.1.attentions.0'],
  ['mid_block', 'mid_block.resnets.1'],
  ['up_blocks.0', 'up_blocks.0.upsamplers.0'],
  ['up_blocks.1', 'up_blocks.1.resnets.1'],
];

/** Puts noise of the same shape in the place of what is shown under `place`. */
function replacing(place: string): Watcher {
  const other = (value: Tensor): Tensor => manualSeed(11).randn(value.shape);
  return { watches: () => false, tap: (path, value) => (path === place ? other(value) : value) };
}

/** The predictions of some passes when `place` shows something else in each. */
function predictions(place: string, passes: readonly Perturbation[] = [unperturbed], model = unet): readonly Tensor[] {
  return traceModel(model, kernels, input, passes, () => replacing(place));
}

describe.each(lastModules)('another output of %s', (block, module) => {
  it(`is another output of ${module}, which the way up sees as well`, () => {
    expect(predictions(block)).toEqual(predictions(module));
    expect(predictions(block)).not.toEqual(predictions('nothing'));
  });

  it('is so for a perturbed pass, which begins where it differs from the plain one', () => {
    const passes = [unperturbed, new Map([['up_blocks.0.attentions.1', identity]])];
    expect(predictions(block, passes)).toEqual(predictions(module, passes));
    expect(predictions(block, passes)[1]).toEqual(predictions(block, passes.slice(1))[0]);
  });
});

it('is so where a ResNet block makes the picture smaller', () => {
  const model = randomUNet({
    ...smallConfig,
    down_block_types: ['ResnetDownsampleBlock2D', 'AttnDownBlock2D'],
    up_block_types: ['AttnUpBlock2D', 'ResnetUpsampleBlock2D'],
  });
  expect(predictions('down_blocks.0', [unperturbed], model)).toEqual(
    predictions('down_blocks.0.downsamplers.0', [unperturbed], model),
  );
});

it('is not what the block has left before its last module', () => {
  // The skip of down_blocks.0.resnets.0 stays as it is: only the block's output is another.
  expect(predictions('down_blocks.0')).not.toEqual(predictions('down_blocks.0.resnets.0'));
});
