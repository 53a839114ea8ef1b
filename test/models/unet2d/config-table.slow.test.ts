/**
 * What a UNet2DModel's config says when a key is null or of the wrong kind: the table that scripts/goldens/configs.py
 * made by running diffusers. A null means here what it means there; a value of the wrong kind likewise, or it is
 * refused. Two configs mean the same when they make the same network: the same weights, and the same prediction.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runModel } from '../../../src/models/passes.ts';
import { parseUNetConfig, readUNetConfig } from '../../../src/models/unet2d/config.ts';
import { createUNet } from '../../../src/models/unet2d/unet.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { fixture } from '../../goldens.ts';
import { backend, noise, randomWeights } from './models.ts';

type Json = Readonly<Record<string, unknown>>;
type Meaning = 'missing' | 'refused' | 'other' | { readonly as: unknown };
const { config, contexts, keys } = JSON.parse(readFileSync(fixture('goldens/configs/unet.json'), 'utf8')) as {
  readonly config: Json;
  readonly contexts: Readonly<Record<string, Json>>;
  readonly keys: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Meaning>>>>>>;
};
const sample = noise([1, 1, 8, 8]);

/** The shapes of the weights, and what the network predicts; or the InputError that the config brings. */
function outcome(json: Json): unknown {
  try {
    const found = parseUNetConfig(json);
    const weights = randomWeights(found, 1);
    const labels = found.classEmbedding === 'none' ? {} : { classLabels: [1] };
    const { predictions } = runModel(createUNet(found, weights), backend, { sample, timesteps: [5], ...labels });
    return { shapes: [...weights].map(([name, { shape }]) => [name, shape]), prediction: predictions[0].data };
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

it('says which keys the class does not have, and of no other', () => {
  const { warnings } = readUNetConfig({
    ...config,
    decay: 0.9,
    dual_cross_attention: false,
    quantization_config: {},
    _note: 1,
  });
  expect(warnings).toEqual([
    'config.json: UNet2DModel has no "decay", "dual_cross_attention", as in diffusers ignored',
  ]);
  const nulls = Object.fromEntries(Object.keys(keys).map((key) => [key, null]));
  const { sample_size, attn_norm_num_groups, class_embed_type, num_class_embeds, num_train_timesteps } = nulls;
  const optional = { sample_size, attn_norm_num_groups, class_embed_type, num_class_embeds, num_train_timesteps };
  expect(readUNetConfig({ ...config, ...optional }).warnings).toEqual([]);
});

describe.each(Object.entries(keys))('%s', (key, rows) => {
  it.each(
    Object.entries(rows).flatMap(([context, values]) =>
      Object.entries(values).map(([value, meaning]) => ({ context, value, meaning })),
    ),
  )('$value ($context) is $meaning', ({ context, value, meaning }) => {
    const plain: Json = { ...config, ...contexts[context] };
    const ours = outcome({ ...plain, [key]: JSON.parse(value) as unknown });
    if (meaning === 'refused') expect(ours).toBeInstanceOf(InputError);
    else if (ours instanceof InputError) expect(value, ours.message).not.toBe('null');
    else if (meaning === 'other') expect(ours).not.toEqual(outcome(plain));
    else expect(ours).toEqual(outcome(meaning === 'missing' ? plain : { ...plain, [key]: meaning.as }));
  });
});
