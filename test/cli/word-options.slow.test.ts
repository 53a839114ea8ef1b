/** The options of pictures from words: what each does, and what is refused. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { parseSafetensors, readTensor, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import { readPicture } from '../../src/cli/picture.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { latentsOf as latentsOfPicture } from '../../src/pipelines/latents.ts';
import { noiseFrom } from '../../src/sampling/noise.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { at } from '../../src/tensor/at.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { fixture } from '../goldens.ts';
import { loadPipeline } from '../pipelines/folders.ts';
import { capturePrinted, refusal } from './console.ts';
import { smallKernels, temporaryFolder } from './models.ts';

const pipelines = fixture('goldens/text/pipelines');
const { path, save } = temporaryFolder();
capturePrinted();
const [picture, large, mask] = ['picture', 'large', 'mask'].map((name) => `${pipelines}/${name}.png`);

async function draw(pipeline: string, ...options: readonly string[]): Promise<SafetensorsFile> {
  const out = path('out.safetensors');
  const common = ['--model', `${pipelines}/${pipeline}`, '--steps', '2', '--latents', out, ...smallKernels];
  expect(await runCommand(['sample', ...common, ...options])).toBe(0);
  return parseSafetensors(readFileSync(out), out);
}

/** The last latents of one picture. */
function latentsOf(file: SafetensorsFile, b: number): readonly number[] {
  const { data, shape } = readTensor(file, 'sample');
  const size = data.length / at(shape, 0);
  return [...data.subarray(b * size, (b + 1) * size)];
}

describe('pictures from words', () => {
  it.each([
    ['from noise', 'sd-1', []],
    ['from a picture', 'sd-1', ['--init', picture, '--strength', '0.5']],
    ['repainted', 'sd-1', ['--init', picture, '--inpaint', mask]],
    ['repainted by a UNet of inpainting', 'inpainting', ['--init', picture, '--inpaint', mask]],
  ])('with a seed of their own are the same whatever they are drawn beside: %s', async (_what, pipeline, options) => {
    const noisy = [...options, '--eta', '1', '--guidance', 'pag'];
    const both = await draw(pipeline, '--prompt', 'a', '--prompt', 'b', '--seeds', '5,6', ...noisy);
    expect(latentsOf(both, 0)).toEqual(latentsOf(await draw(pipeline, '--prompt', 'a', '--seeds', '5', ...noisy), 0));
    expect(latentsOf(both, 1)).toEqual(latentsOf(await draw(pipeline, '--prompt', 'b', '--seeds', '6', ...noisy), 0));
  });

  it('are as many as are asked for of each prompt, one prompt after the other', async () => {
    const file = await draw('sd-1', '--prompt', 'a', '--prompt', 'b', '--count', '2', '--height', '8', '--width', '12');
    expect(readTensor(file, 'image').shape).toEqual([4, 3, 8, 12]);
    const noise = save('noise.safetensors', { noise: readTensor(file, 'noise') });
    const again = await draw('sd-1', '--prompt', 'a', '--prompt', 'b', '--noise', noise);
    expect(readTensor(again, 'sample')).toEqual(readTensor(file, 'sample'));
    const [lowest, highest] = [Math.min, Math.max].map((f) => f(...readTensor(file, 'image').data));
    expect(lowest).toBeGreaterThanOrEqual(0);
    expect(highest).toBeLessThanOrEqual(1);
  });

  it('have the size of the picture that they begin with, unless it is resized', async () => {
    const begun = ['--prompt', 'a', '--init', large, '--strength', '0.5'];
    expect(readTensor(await draw('sd-1', ...begun), 'image').shape).toEqual([1, 3, 24, 40]);
    expect(readTensor(await draw('sd-1', ...begun, '--resize'), 'image').shape).toEqual([1, 3, 16, 16]);
    const sized = [...begun, '--resize', '--height', '8', '--width', '24'];
    expect(readTensor(await draw('sd-1', ...sized), 'image').shape).toEqual([1, 3, 8, 24]);
  });

  it('of 16 bits begin in XL with latents that are drawn in f32', async () => {
    const file = await draw('sd-xl', '--prompt', 'a', '--init', picture, '--strength', '0.5', '--dtype', 'f16');
    const pipeline = await loadPipeline('sd-xl', 'f16');
    const sample = await readPicture(picture, [1, 3, 16, 16], 'f16', false);
    const generator = manualSeed(0);
    const drawn = latentsOfPicture(pipeline, referenceBackend(), sample, 1, noiseFrom(generator, 'f32'));
    const scheduler = createScheduler(pipeline.schedulerConfig ?? {}, 2, { begin: 1 });
    const noise = generator.randn(drawn.shape, 'f16');
    expect(readTensor(file, 'noise')).toEqual(noise);
    expect(readTensor(file, 'start')).toEqual(scheduler.addNoise(drawn, noise, 0));
  });

  it('keep what the mask keeps, but for what the autoencoder makes of it', async () => {
    const file = await draw('sd-1', '--prompt', 'a', '--init', picture, '--inpaint', mask);
    const whole = await draw('sd-1', '--prompt', 'b', '--init', picture, '--inpaint', mask);
    const [one, other] = [latentsOf(file, 0), latentsOf(whole, 0)];
    const same = one.filter((value, i) => value === other[i]).length;
    expect(same).toBeGreaterThan(one.length / 4);
    expect(same).toBeLessThan((3 * one.length) / 4);
  });
});

describe('pag sample --prompt refuses', () => {
  it.each<[string, string, readonly string[], string]>([
    ['a height of no latents', 'sd-1', ['--height', '15'], '--height is 15; expected a multiple of 2, the pixels of a'],
    [
      'pictures that nobody can hold',
      'sd-1',
      ['--height', '1000000', '--width', '1000000'],
      'there is not enough memory',
    ],
    [
      'three seeds for two prompts',
      'sd-1',
      ['--prompt', 'b', '--seeds', '1,2,3'],
      '3 pictures cannot be shared among 2 prompts; give a multiple of 2',
    ],
    [
      'two negative prompts for one',
      'sd-1',
      ['--negative-prompt', 'b', '--negative-prompt', 'c'],
      'there are 2 negative prompts for 1 prompt; give one for all, or one for each',
    ],
    ['sizes of XL', 'sd-1', ['--target-size', '1,2'], '--target-size has no effect; of these pipelines XL takes sizes'],
    ['one number for a size', 'sd-xl', ['--original-size', '8'], 'expected two whole numbers between commas'],
    ['layers that are not there', 'sd-1', ['--clip-skip', '3'], '--clip-skip leaves out 3 layers'],
    ['tiles of a tiny autoencoder', 'lcm', ['--vae-tiling'], 'tiles are of AutoencoderKL'],
    ['a guidance that needs no prompt', 'lcm', ['--guidance', 'apg'], 'the UNet is distilled: it is told the guidance'],
    [
      'a UNet of inpainting without a mask',
      'inpainting',
      [],
      'it is one of inpainting, and wants a picture and a mask',
    ],
    ['a mask of another size', 'sd-1', ['--init', large, '--inpaint', mask], 'mask.png has 16 × 16 pixels'],
    [
      'a picture of another size than that asked for',
      'sd-1',
      ['--init', large, '--strength', '1', '--height', '16', '--width', '16'],
      'large.png has 40 × 24 pixels, but the samples have 16 × 16; give --resize',
    ],
    ['a prompt of a second encoder', 'sd-1', ['--prompt-2', 'b'], '--prompt-2 has no effect without a second text'],
    [
      'second negative prompts without first ones',
      'sd-xl',
      ['--negative-prompt-2', 'b'],
      "--negative-prompt-2 has no effect without --negative-prompt, which may be ''",
    ],
    [
      'two second prompts for one',
      'sd-xl',
      ['--prompt-2', 'b', '--prompt-2', 'c'],
      'there are 2 second prompts for 1 prompt; give one for all, or one for each',
    ],
    ['--preview', 'sd-1', ['--preview'], '--preview has no effect with --prompt'],
    ['--animation', 'sd-1', ['--animation', path('a.png')], '--animation has no effect with --prompt'],
    ['--invert', 'sd-1', ['--invert', picture, '--out-noise', path('n.safetensors')], 'has no effect with --invert'],
    [
      'RePaint',
      'sd-1',
      ['--init', picture, '--inpaint', mask, '--inpaint-method', 'repaint'],
      'has no effect with --prompt',
    ],
  ])('%s', async (_what, pipeline, options, message) => {
    const common = ['--model', `${pipelines}/${pipeline}`, '--prompt', 'a', '--steps', '1'];
    expect(await refusal('sample', ...common, '--latents', path('x.safetensors'), ...options)).toContain(message);
  });

  it('noise of other latents than the pictures need', async () => {
    const noise = save('three.safetensors', {
      noise: { dtype: 'f32', shape: [1, 3, 8, 8], data: new Float32Array(192) },
    });
    const common = ['--model', `${pipelines}/sd-1`, '--prompt', 'a', '--latents', path('x.safetensors')];
    expect(await refusal('sample', ...common, '--noise', noise)).toBe(
      'the noise is [1, 3, 8, 8], but the pictures need latents of [N, 4, h, w]',
    );
    const four = save('four.safetensors', {
      noise: { dtype: 'f32', shape: [1, 4, 8, 8], data: new Float32Array(256) },
    });
    expect(await refusal('sample', ...common, '--noise', four, '--width', '24')).toContain('latents of [N, 4, 8, 12]');
  });

  it.each(['--height', '--clip-skip', '--original-size'])('%s without a prompt', async (option) => {
    const common = ['--model', `${pipelines}/sd-1`, '--latents', path('x.safetensors')];
    expect(await refusal('sample', ...common, option, '8')).toBe(`${option} has no effect without --prompt`);
  });
});
