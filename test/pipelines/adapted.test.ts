/** What becomes of the weights of a pipeline's parts before models are made of them: how LoRAs reach them. */
import { expect, it } from 'vitest';
import { folderReader } from '../../src/formats/node-files.ts';
import { partChoices } from '../../src/pipelines/part-variants.ts';
import { loadStableDiffusion } from '../../src/pipelines/stable-diffusion.ts';
import { fixture } from '../goldens.ts';

const model = fixture('letters-text/model');

it('each part is adapted by its name', async () => {
  const seen: string[] = [];
  const adapt = (part: string, weights: ReadonlyMap<string, never>) => {
    seen.push(part);
    return weights;
  };
  await loadStableDiffusion(await folderReader(model), model, 'f32', { adapt: adapt as never });
  expect(seen.sort()).toEqual(['text_encoder', 'unet', 'vae']);
});

it('so it is where only some parts have a variant', async () => {
  const adapt = (_part: string, weights: never) => weights;
  const reader = Object.assign(() => Promise.resolve(undefined), {
    list: (folder: string) => Promise.resolve(folder === 'unet' ? ['a.fp16.safetensors'] : ['a.safetensors']),
  });
  const chosen = await partChoices(reader, 'mine', ['unet', 'vae'], { variant: 'fp16', adapt: adapt as never });
  expect(chosen.of('unet')).toEqual({ variant: 'fp16', adapt });
  expect(chosen.of('vae')).toEqual({ adapt });
});
