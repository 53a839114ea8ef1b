import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { jsonObject, type ReadFile } from '../../src/formats/read-file.ts';
import { parseSafetensors, readTensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { reshape, type Tensor } from '../../src/tensor/tensor.ts';

const goldens = new URL('../../fixtures/goldens/', import.meta.url);
const letters = new URL('../../fixtures/letters/model/', import.meta.url);
const onDisk =
  (folder: URL): ReadFile =>
  (path) =>
    readFile(new URL(path, folder)).catch(() => undefined);

/** The weights that torch gave the model, by their names of today. */
const truth = readTensors(
  parseSafetensors(readFileSync(new URL('initialisation/pipeline.safetensors', goldens)), 'pipeline'),
);
const config = readFileSync(new URL('formats/sharded/config.json', goldens), 'utf8');

type Content = string | Uint8Array;
/** A folder in memory. */
const folderOf =
  (files: Readonly<Record<string, Content>>): ReadFile =>
  (path) => {
    const content = Object.hasOwn(files, path) ? files[path] : undefined;
    return Promise.resolve(typeof content === 'string' ? new TextEncoder().encode(content) : content);
  };
const load = (files: Readonly<Record<string, Content>>) => loadModelFolder(folderOf(files), 'model');
const weightsFile = (weights: Iterable<readonly [string, Tensor]>): Uint8Array =>
  writeSafetensors(Object.fromEntries(weights));
const whole = weightsFile(truth);
const file = 'diffusion_pytorch_model.safetensors';
const index = `${file}.index.json`;

describe('a folder of diffusers', () => {
  it('may be a pipeline', async () => {
    const { config: found, weights, schedulerConfig } = await loadModelFolder(onDisk(letters), 'letters');
    expect(found.sampleSize).toEqual([32, 32]);
    expect(weights.size).toBe(215);
    expect(schedulerConfig).toMatchObject({ _class_name: 'DDIMScheduler', num_train_timesteps: 1000 });
  });

  it('may be a bare UNet', async () => {
    const { weights, schedulerConfig } = await load({ 'config.json': config, [file]: whole });
    expect(weights).toEqual(truth);
    expect(schedulerConfig).toBeUndefined();
  });

  it.each(['sharded', 'old-names'])('as diffusers wrote it: %s', async (name) => {
    const { weights } = await loadModelFolder(onDisk(new URL(`formats/${name}/`, goldens)), name);
    expect(new Map([...weights].sort())).toEqual(new Map([...truth].sort()));
  });

  it('takes a key __proto__ for a note', async () => {
    const { config: found } = await load({ 'config.json': '{"__proto__":{"in_channels":1}}', [file]: whole });
    expect(found.inChannels).toBe(3);
  });

  it('may hold the projections of its attention as 1 × 1 convolutions', async () => {
    const convolutions = [...truth].map(([name, value]) => {
      const isProjection = /attentions.*to_.*weight/.test(name);
      return [
        name.replace('.to_q.', '.query.'),
        isProjection ? reshape(value, [...value.shape, 1, 1]) : value,
      ] as const;
    });
    const { weights } = await load({ 'config.json': config, [file]: weightsFile(convolutions) });
    expect(weights).toEqual(truth);
  });
});

describe('a pipeline whose UNet draws latents is said to be one', () => {
  const parts = { 'unet/config.json': config, [`unet/${file}`]: whole };
  const warningsOf = async (entries: object): Promise<readonly string[]> => {
    const unet = ['diffusers', 'UNet2DModel'];
    return (await load({ ...parts, 'model_index.json': JSON.stringify({ unet, ...entries }) })).warnings;
  };

  it.each(['vae', 'vqvae', 'movq'])('by its %s', async (name) => {
    expect(await warningsOf({ [name]: ['diffusers', 'AnyModel'] })).toEqual([
      `model has a ${name}: what its UNet draws are latents, not pictures`,
    ]);
  });

  it('and no other', async () => {
    expect(await warningsOf({ vae: [null, null], scorer: ['diffusers', 'AnyModel'] })).toEqual([]);
  });
});

describe('a folder that is none is refused, and the message says why', () => {
  const cases: readonly [string, Readonly<Record<string, Content>>, string][] = [
    ['nothing', {}, 'model: there is no model_index.json (a pipeline) or config.json (a UNet); give a folder'],
    ['a pipeline without a UNet', { 'model_index.json': '{}' }, 'model: there is no unet/config.json'],
    [
      'no weights',
      { 'config.json': config },
      'model: there is no diffusion_pytorch_model.safetensors, nor its .index.json; give a folder',
    ],
    [
      'pickled weights',
      { 'config.json': config, 'diffusion_pytorch_model.bin': 'x' },
      'save the model again with safe_serialization=True',
    ],
    ['a config that is a list', { 'config.json': '[]', [file]: whole }, 'model/config.json is no JSON object'],
    ['a config that is no JSON', { 'config.json': '{', [file]: whole }, 'model/config.json is not JSON'],
    [
      'a config of another model',
      { 'config.json': '{"_class_name":"UNet2DConditionModel"}', [file]: whole },
      'the model is a "UNet2DConditionModel"; supported is "UNet2DModel"',
    ],
    [
      'a scheduler that is no object',
      { 'config.json': config, [file]: whole, 'scheduler/scheduler_config.json': '5' },
      'model/scheduler/scheduler_config.json is no JSON object',
    ],
    [
      'integers for weights',
      { 'config.json': config, [file]: writeSafetensors({ 'conv_in.weight': { shape: [1], integers: [1] } }) },
      '"conv_in.weight" holds I64',
    ],
    [
      'a weight by both its names',
      {
        'config.json': config,
        [file]: weightsFile([
          ...truth,
          ['mid_block.attentions.0.query.bias', truth.get('mid_block.attentions.0.to_q.bias')!],
        ]),
      },
      '"mid_block.attentions.0.to_q.bias" is there twice, by its old and its new name',
    ],
    [
      'an index without a map',
      { 'config.json': config, [index]: '{}' },
      `model/${index}: there is no object "weight_map"`,
    ],
    [
      'an index whose map is a list',
      { 'config.json': config, [index]: '{"weight_map":["a.safetensors"]}' },
      'there is no object "weight_map"',
    ],
    [
      'a missing shard',
      { 'config.json': config, [index]: '{"weight_map":{"a":"a.safetensors"}}' },
      'the shard a.safetensors is missing',
    ],
    [
      'a shard that lacks a weight',
      { 'config.json': config, [index]: '{"weight_map":{"a":"s.safetensors"}}', 's.safetensors': writeSafetensors({}) },
      '"a" is said to be in s.safetensors, but is not',
    ],
    [
      'two shards with one weight',
      {
        'config.json': config,
        [index]: '{"weight_map":{"conv_in.bias":"a.safetensors","conv_out.bias":"b.safetensors"}}',
        'a.safetensors': weightsFile([['conv_in.bias', truth.get('conv_in.bias')!]]),
        'b.safetensors': weightsFile([
          ['conv_in.bias', truth.get('conv_in.bias')!],
          ['conv_out.bias', truth.get('conv_out.bias')!],
        ]),
      },
      'two shards hold "conv_in.bias"',
    ],
  ];
  it.each(cases)('%s', async (_name, files, message) => {
    await expect(load(files)).rejects.toThrow(
      expect.objectContaining({ name: 'InputError', message: expect.stringContaining(message) }),
    );
  });

  it.each([
    '../secret.safetensors',
    '/etc/secret.safetensors',
    'a/b.safetensors',
    'a\\b.safetensors',
    '..safetensors',
    '.hidden.safetensors',
    'x.bin',
    '',
    'a.safetensors\n',
    'C:x.safetensors',
  ])('an index that names %j, which is never read', async (name) => {
    const read: string[] = [];
    const inner = folderOf({
      'config.json': config,
      [index]: JSON.stringify({ weight_map: { 'conv_in.bias': name } }),
      [name]: whole,
    });
    const spying: ReadFile = (path) => {
      read.push(path);
      return inner(path);
    };
    await expect(loadModelFolder(spying, 'model')).rejects.toThrow('expected a .safetensors file of the same folder');
    expect(read).not.toContain(name);
  });

  it.each([5, null, true, ['a.safetensors'], { a: 1 }])('an index that names %j', async (name) => {
    await expect(
      load({ 'config.json': config, [index]: JSON.stringify({ weight_map: { 'conv_in.bias': name } }) }),
    ).rejects.toThrow('expected a .safetensors file of the same folder');
  });
});

it('reads the infinities that Python writes into configs, but not inside a string', () => {
  const read = (text: string) => jsonObject(new TextEncoder().encode(text), 'scheduler_config.json');
  const text = '{"lambda_min_clipped": -Infinity, "most":Infinity, "Infinity": "-Infinity", "quoted": "\\"Infinity"}';
  expect(read(text)).toEqual({
    lambda_min_clipped: -Infinity,
    most: Infinity,
    Infinity: '-Infinity',
    quoted: '"Infinity',
  });
  expect(() => read('{"a": Infinities}')).toThrow('is not JSON');
  expect(() => read('{"a": NaN}')).toThrow('is not JSON');
  // A quotation of the text stays on the line of the message.
  expect(() => read('[x\n\n]')).toThrow(/is not JSON: [^\n]*"\[x \]"[^\n]*$/);
});
