/** What a case computes is read strictly: every key must be there, be what it should, and be known. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import { readFields } from '../../src/oracle/fields.ts';
import { readSubject } from '../../src/oracle/read-subject.ts';

const read = (subject: Readonly<Record<string, unknown>>) => readSubject(readFields(subject, 'case.json'));

const guidance = {
  guidance_scale: 3,
  pag_scale: 1,
  pag_adaptive_scale: 0,
  pag_layers: ['mid'],
  guidance_rescale: 0,
};
const textToImage = {
  kind: 'text-to-image',
  text_encoders: [{ config: {}, input_ids: [[1, 2]], negative_input_ids: [[1, 3]] }],
  hidden_state: 'last',
  zero_negative: false,
  sizes: null,
  unet: {},
  vae: {},
  scheduler: {},
  steps: 2,
  eta: 0,
  guidance,
};
const stages = { kind: 'stages', config: {}, stages: ['a'], perturbed: false };

describe('a subject', () => {
  it('is read', () => {
    expect(read(textToImage)).toMatchObject({ hiddenState: 'last', sizes: undefined, steps: 2 });
    const sizes = { original: [1024, 768], crop: [0, 16], target: [512, 640] };
    expect(read({ ...textToImage, sizes })).toMatchObject({ sizes });
    expect(read(stages)).toMatchObject({ family: 'UNet2DModel' });
    expect(read({ ...stages, family: 'AutoencoderKL' })).toMatchObject({ family: 'AutoencoderKL' });
  });

  it.each<readonly [Readonly<Record<string, unknown>>, RegExp]>([
    [{ ...stages, family: 'DiT' }, /"family" is "DiT"; expected UNet2DModel, UNet2DConditionModel, AutoencoderKL/],
    [{ ...textToImage, hidden_state: 'first' }, /"hidden_state" is "first"; expected last, penultimate/],
    [{ ...textToImage, sizes: { original: [1], crop: [0, 0], target: [1, 1] } }, /"original" is \[1\]; expected two/],
    [{ ...textToImage, clip_skip: 1 }, /unknown key "clip_skip"/],
    [{ kind: 'text-encoder', config: {}, input_ids: [[1, -2]] }, /"input_ids" is .*; expected lists of whole numbers/],
    [{ kind: 'autoencoder', config: {}, way: 'both' }, /"way" is "both"; expected encode, decode/],
    [{ kind: 'derivative', operation: 'sorting', probes: [] }, /"sorting" is no operation/],
    [{ kind: 'optimiser', parameters: ['a'], steps: 1 }, /"learning_rate" is missing/],
    [{ kind: 'picture' }, /the case is of kind "picture"; known are operation, .*text-to-image/],
  ])('%j is refused', (subject, message) => {
    expect(() => read(subject)).toThrow(InputError);
    expect(() => read(subject)).toThrow(message);
  });
});
