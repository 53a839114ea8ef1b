/** `pag sample`: what of a run goes where, and whose samples are no pictures. */
import { mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/cli/options.ts';
import { drawSamples, sampleKinds } from '../../src/cli/sample.ts';
import { decodePng, readPngTexts } from '../../src/formats/png-reader.ts';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import { randomUNet, smallConfig } from '../models/unet2d/models.ts';
import { temporaryFolder, tiny } from './models.ts';

const { path, save } = temporaryFolder();
const quick = ['--scheduler', 'ddim', '--steps', '2', '--count', '3', '--threads', '1'];
const draw = (model: string, ...files: readonly string[]) =>
  drawSamples(readOptions(['--model', model, ...quick, ...files], sampleKinds));
const numbersIn = (file: string) => [...parseSafetensors(new Uint8Array(readFileSync(file)), file).entries.keys()];

describe('what is drawn', () => {
  it('is all samples, side by side, unless one alone is asked for', async () => {
    const { what, shape, title } = await draw(tiny, '--out', path('grid.png'));
    expect({ what, shape, title }).toEqual({ what: 'sample', shape: [3, 3, 8, 8], title: 'none, DDIM, 2 steps' });
    const bytes = readFileSync(path('grid.png'));
    const { width, height } = decodePng(bytes, 'grid.png');
    expect(width).toBeGreaterThan(2 * height);
    expect(JSON.parse(readPngTexts(bytes, 'grid.png').get('pag') ?? '')).not.toHaveProperty('picture');
  });

  it('goes to files of numbers with the noise before it, and each step', async () => {
    await draw(tiny, '--latents', path('numbers.safetensors'));
    expect(numbersIn(path('numbers.safetensors'))).toEqual(['noise', 'step.0', 'step.1', 'sample']);
  });
});

it('samples of two channels are numbers, and no pictures', async () => {
  const unet = { ...smallConfig, in_channels: 2, out_channels: 2, num_class_embeds: null };
  mkdirSync(path('two'));
  save('two/config.json', JSON.stringify(unet));
  save('two/diffusion_pytorch_model.safetensors', Object.fromEntries(randomUNet(unet).weights));
  const numbers = ['--latents', path('two.safetensors')];
  for (const shown of [['--out', path('two.png')], ['--animation', path('two.gif')], ['--preview']])
    await expect(draw(path('two'), ...numbers, ...shown)).rejects.toThrow(
      'samples of 2 channels cannot be drawn; leave out --out and --preview, and give --latents FILE.safetensors',
    );
  await draw(path('two'), ...numbers);
  expect(numbersIn(path('two.safetensors'))).toContain('sample');
});
