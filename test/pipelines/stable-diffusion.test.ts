/** Which folders are pipelines of Stable Diffusion, and what is said of those that are not quite. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { checkParts } from '../../src/pipelines/check-parts.ts';
import { loadStableDiffusion, type StableDiffusion } from '../../src/pipelines/stable-diffusion.ts';
import { InputError } from '../../src/tensor/errors.ts';
import type { DType } from '../../src/tensor/tensor.ts';
import { fixture } from '../goldens.ts';
import { changedFolder, loadPipeline, pipelineFolder, type Changes } from './folders.ts';

const index = 'model_index.json';
const none = [null, null];

describe('a folder that is no such pipeline, or whose parts do not fit', () => {
  it.each<[string, string, Changes, string]>([
    ['no index', 'sd-1', { [index]: undefined }, 'there is no model_index.json of a pipeline with text_encoder'],
    ['no text encoder', 'sd-1', { [index]: { text_encoder: none } }, 'the StableDiffusionPipeline has no text_encoder'],
    ['no tokenizer', 'sd-1', { [index]: { tokenizer: none } }, 'has no tokenizer'],
    ['no autoencoder', 'sd-1', { [index]: { vae: none } }, 'has no vae'],
    [
      'a transformer in the place of a UNet',
      'sd-1',
      { [index]: { _class_name: 'StableDiffusion3Pipeline', unet: none, transformer: ['diffusers', 'SD3'] } },
      'the StableDiffusion3Pipeline has no unet, but a transformer; supported are pipelines of Stable Diffusion 1, 2',
    ],
    [
      'half an XL',
      'sd-xl',
      { [index]: { text_encoder_2: none } },
      'the StableDiffusionXLPipeline has no text_encoder_2',
    ],
    [
      "XL's refiner",
      'sd-xl',
      { [index]: { text_encoder: none, tokenizer: none, requires_aesthetics_score: true } },
      'requires_aesthetics_score is true, as for the refiner of Stable Diffusion XL; supported is its base',
    ],
    [
      'an encoder of another kind',
      'sd-1',
      { [index]: { text_encoder: ['transformers', 'T5EncoderModel'] } },
      'the class of text_encoder is T5EncoderModel; supported is CLIPTextModel or CLIPTextModelWithProjection',
    ],
    [
      'an autoencoder of another kind',
      'sd-1',
      { [index]: { vae: ['diffusers', 'AsymmetricAutoencoderKL'] } },
      'the class of vae is AsymmetricAutoencoderKL; supported is AutoencoderKL or AutoencoderTiny',
    ],
    ['a folder that is missing', 'sd-1', { vae: undefined }, 'there is no vae/config.json'],
    ['a tokenizer that is missing', 'sd-1', { tokenizer: undefined }, 'there is no tokenizer/vocab.json'],
    [
      "XL's text encoder",
      'sd-1',
      { text_encoder: 'inpainting', unet: 'sd-xl' },
      'the text encoder gives tokens of 8 numbers, but the UNet takes 20 (cross_attention_dim)',
    ],
    [
      "Stable Diffusion 1's UNet",
      'sd-xl',
      { unet: 'sd-1' },
      'the text encoders together give tokens of 8 + 12 numbers, but the UNet takes 8 (cross_attention_dim)',
    ],
    [
      "the refiner's UNet",
      'sd-xl',
      { 'text_encoder_2/config.json': { projection_dim: 14 } },
      'but the config asks for',
    ],
    [
      'latents of other channels',
      'sd-1',
      { 'unet/config.json': { in_channels: 5 } },
      '"conv_in.weight" has shape [4, 4, 3, 3], but the config asks for [4, 5, 3, 3]',
    ],
    [
      'texts that are too long',
      'sd-1',
      { 'tokenizer/tokenizer_config.json': { model_max_length: 77 } },
      'the tokenizer makes texts of 77 tokens, but its encoder takes 12 (max_position_embeddings)',
    ],
    [
      'weights of another autoencoder',
      'sd-1',
      { 'vae/diffusion_pytorch_model.safetensors': 'lcm' },
      'vae: "encoder.conv_in.weight" [4, 3, 3, 3] is missing; the config asks for it',
    ],
  ])('is refused: %s', async (_what, name, changes, message) => {
    const loading = loadStableDiffusion(await changedFolder(name, changes), 'DIR', 'f32');
    const error: unknown = await loading.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).message).toMatch(/^DIR[^\n]*$/);
    expect((error as InputError).message).toContain(message);
  });

  it.each([
    ['a model of depth', { in_channels: 5 }, 'the UNet makes 4 channels of 5, but the autoencoder has 4'],
    ['one that makes pictures larger', { num_class_embeds: 3 }, 'the UNet wants class labels besides the text'],
  ])('is refused when all its files are there: %s', async (_what, config, message) => {
    const { texts, unet, autoencoder } = await loadPipeline('sd-1');
    const inChannels = 'in_channels' in config ? 5 : unet.inChannels;
    const classEmbedding = 'num_class_embeds' in config ? 'lookup' : 'none';
    const other = { ...unet, inChannels, config: { ...unet.config, classEmbedding } } as typeof unet;
    const parts = { encoders: texts.map(({ encoder }) => encoder), unet: other, autoencoder };
    expect(() => checkParts(parts, 'DIR')).toThrow(message);
  });

  it('is read with a word about what is left out, or missing', async () => {
    const checker = { safety_checker: ['stable_diffusion', 'StableDiffusionSafetyChecker'], image_encoder: ['a', 'b'] };
    const read = await changedFolder('sd-1', { [index]: { ...checker, scheduler: none }, scheduler: undefined });
    const { warnings, schedulerConfig } = await loadStableDiffusion(read, 'DIR', 'f32');
    expect(schedulerConfig).toBeUndefined();
    expect([...warnings].sort()).toEqual([
      'DIR: its image_encoder is left out',
      'DIR: its safety_checker is left out',
      'DIR: the pipeline has no scheduler; DDIM is taken with its defaults',
    ]);
    expect((await loadPipeline('sd-1')).warnings).toEqual([]);
  });
});

describe('a variant of the weights', () => {
  /** The folder of Stable Diffusion 2, whose weights are of fp16, with parts that have none. */
  async function mixed(...plain: readonly string[]): Promise<ReadFile> {
    const [read, other] = [await changedFolder('sd-2', {}), await changedFolder('sd-1', {})];
    const from = (path: string): ReadFile => (plain.some((part) => path.startsWith(`${part}/`)) ? other : read);
    const list = async (folder: string): Promise<readonly string[]> =>
      readdirSync(fixture(`${pipelineFolder(plain.includes(folder) ? 'sd-1' : 'sd-2')}/${folder}`));
    return Object.assign(((path, part) => from(path)(path, part)) satisfies ReadFile, { list });
  }

  it('is taken of the parts that have it, and said of the others', async () => {
    const { warnings } = await loadStableDiffusion(await mixed('vae'), 'DIR', 'f32', { variant: 'fp16' });
    expect(warnings).toEqual(['DIR: vae has no variant fp16; its weights are those without one']);
  });

  it.each(['fp32', 'non_ema'])('that no part has is refused: %s', async (variant) => {
    const loading = loadStableDiffusion(await mixed('vae'), 'DIR', 'f32', { variant });
    await expect(loading).rejects.toThrow(`there is no text_encoder/model.${variant}.safetensors`);
  });
});

describe('a pipeline', () => {
  it.each(['sd-1', 'sd-2', 'inpainting', 'lcm', 'sd-xl'])('is read without a word: %s', async (name) => {
    expect((await loadPipeline(name)).warnings).toEqual([]);
  });

  it('of XL computes its autoencoder in f32 where its config says: in f16 all of it, in bf16 the way in', async () => {
    const both = ({ autoencoder: { encoder, decoder } }: StableDiffusion) => [encoder.dtype, decoder.dtype];
    const dtypesOf = async (name: string, dtype: DType) => both(await loadPipeline(name, dtype));
    expect(await dtypesOf('sd-xl', 'f16')).toEqual(['f32', 'f32']);
    expect(await dtypesOf('sd-xl', 'bf16')).toEqual(['f32', 'bf16']);
    expect(await dtypesOf('sd-xl', 'f64')).toEqual(['f64', 'f64']);
    expect(await dtypesOf('sd-1', 'f16')).toEqual(['f16', 'f16']);
    const read = await changedFolder('sd-xl', { 'vae/config.json': { force_upcast: false } });
    expect(both(await loadStableDiffusion(read, 'DIR', 'f16'))).toEqual(['f16', 'f16']);
    expect(both(await loadStableDiffusion(read, 'DIR', 'bf16'))).toEqual(['bf16', 'bf16']);
  });
});
