/** What a conditional UNet is given must be what it takes: all of it, of the right shape, and nothing else. */
import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../src/models/model.ts';
import { runModel } from '../../../src/models/passes.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { randomUNet as randomUNet2D, noise as noise2D } from '../unet2d/models.ts';
import { backend, inputOf, noise, randomUNet, smallConfig } from './models.ts';

const xl = {
  ...smallConfig,
  addition_embed_type: 'text_time',
  addition_time_embed_dim: 2,
  projection_class_embeddings_input_dim: 17,
};
const given = { textEmbeds: noise([1, 5]), timeIds: noise([1, 6]) };

const cases: readonly (readonly [
  string,
  object,
  { readonly [K in keyof ModelInput]?: ModelInput[K] | undefined },
  RegExp,
])[] = [
  ['no text', smallConfig, { encoderHiddenStates: undefined }, /takes encoderHiddenStates, of shape \[1 or 1, n, 3\]/],
  ['text of other channels', smallConfig, { encoderHiddenStates: noise([1, 5, 4]) }, /\[1, 5, 4\].*\[1 or 1, n, 3\]/],
  ['text of another batch', smallConfig, { encoderHiddenStates: noise([2, 5, 3]) }, /\[2, 5, 3\]/],
  ['no tokens', smallConfig, { encoderHiddenStates: noise([1, 0, 3]) }, /\[1, 0, 3\]/],
  ['a mask of other tokens', smallConfig, { encoderAttentionMask: noise([1, 4]) }, /\[1, 4\].*5 tokens/],
  [
    'what it does not take',
    smallConfig,
    { textEmbeds: noise([1, 5]) },
    /^textEmbeds is given, but the model takes none/,
  ],
  ['classes', smallConfig, { classLabels: [1] }, /^classLabels is given/],
  ['no time ids', xl, { textEmbeds: given.textEmbeds }, /takes timeIds/],
  ['too many numbers', xl, { ...given, textEmbeds: noise([1, 6]) }, /6 numbers a sample and timeIds 6.*12.*17/],
  ['a guidance embedding', smallConfig, { timestepCond: noise([1, 4]) }, /^timestepCond is given/],
  ['one of another size', { ...smallConfig, time_cond_proj_dim: 5 }, { timestepCond: noise([1, 4]) }, /\[1, 4\]/],
  ['no class', { ...smallConfig, num_class_embeds: 2 }, {}, /no class labels are given/],
  ['a class that there is not', { ...smallConfig, num_class_embeds: 2 }, { classLabels: [2] }, /class label 2/],
  [
    'numbers for a projection',
    { ...smallConfig, class_embed_type: 'projection', projection_class_embeddings_input_dim: 3 },
    { classLabels: [2] },
    /"projection" takes class labels of shape \[1, 3\]/,
  ],
  ['a timestep that is none', smallConfig, { timesteps: [NaN] }, /timestep is NaN/],
  ['channels', smallConfig, { sample: noise([1, 3, 4, 4]) }, /\[1, 3, 4, 4\].*\[B, 2, H, W\]/],
  [
    'an odd size where ResNet blocks halve',
    { ...smallConfig, down_block_types: ['ResnetDownsampleBlock2D', 'DownBlock2D'] },
    { sample: noise([1, 2, 4, 5]) },
    /multiples of 2/,
  ],
];

describe('a conditional UNet refuses', () => {
  it.each(cases)('%s', (_what, config, change, message) => {
    const { encoderHiddenStates, ...input } = { ...inputOf(), ...change };
    const whole = { ...input, ...(encoderHiddenStates && { encoderHiddenStates }) };
    const run = () => runModel(randomUNet({ ...config }), backend, whole);
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});

it('takes what an XL model is told, and an odd size', () => {
  const unet = randomUNet(xl);
  const [out] = runModel(unet, backend, { ...inputOf(3, [3, 5]), ...given }).predictions;
  expect(out.shape).toEqual([1, 2, 3, 5]);
});

it('a UNet without text refuses text', () => {
  const input = {
    sample: noise2D([1, 1, 8, 8]),
    timesteps: [1],
    classLabels: [0],
    encoderHiddenStates: noise([1, 5, 3]),
  };
  expect(() => runModel(randomUNet2D(), backend, input)).toThrow(/^encoderHiddenStates is given/);
});
