/** `pag train --classifier`, and what draws and measures with its result; what cannot be is told in one line. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { lettersModel, noiseClassifier } from '../../src/cli/shipped.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { smallConfig as classes } from '../models/unet2d-classifier/models.ts';
import { smallConfig as unet } from '../models/unet2d/models.ts';
import { capturePrinted, refusal } from './console.ts';
import { smallKernels, temporaryFolder } from './models.ts';

const { path, save } = temporaryFolder();
capturePrinted();

const config = (file: string, changed: object = {}): string =>
  save(file, JSON.stringify({ model: { ...classes, sample_size: 8 }, steps: 3, batch: { size: 2 }, ...changed }));
const data = save('data.safetensors', {
  images: manualSeed(2).randn([4, 1, 8, 8]),
  labels: { shape: [4], integers: [0, 1, 2, 0] },
});
const train = (out: string, file: string, ...more: readonly string[]): string[] => [
  ...['train', '--data', data, '--config', file, '--out', path(out), '--threads', '1', ...more],
];
const draw = (out: string, ...more: readonly string[]): string[] => [
  ...['sample', '--model', path('unet'), '--labels', '0,1,2', '--count', '3', '--steps', '2', '--latents', path(out)],
  ...['--threads', '1', ...smallKernels, ...more],
];
const sampleOf = (file: string) =>
  readTensor(parseSafetensors(new Uint8Array(readFileSync(path(file))), file), 'sample');
const guided = ['--guidance', 'classifier', '--noise-classifier', path('classifier')];

beforeAll(async () => {
  expect(await runCommand(train('classifier', config('classifier.json'), '--classifier'))).toBe(0);
  expect(await runCommand(train('unet', config('unet.json', { model: unet })))).toBe(0);
}, 120_000);

describe('a classifier that was trained', () => {
  it('has a folder of its own, whose class is named', () => {
    const saved = JSON.parse(readFileSync(path('classifier/config.json'), 'utf8')) as object;
    expect(saved).toMatchObject({ _class_name: 'UNet2DClassifierModel', num_classes: 5 });
  });

  it('guides: with a scale of 0 not at all, in both forms, with PAG, towards other labels elsewhere', async () => {
    const results: Record<string, unknown> = {};
    const run = async (name: string, ...more: readonly string[]): Promise<void> => {
      expect(await runCommand(draw(`${name}.safetensors`, ...more)), name).toBe(0);
      results[name] = sampleOf(`${name}.safetensors`);
    };
    await run('plain');
    await run('none', ...guided, '--classifier-scale', '0');
    expect(results['none']).toEqual(results['plain']);
    await run('ddim', ...guided);
    await run('strong', ...guided, '--classifier-scale', '5');
    await run('elsewhere', ...guided, '--classifier-labels', '4');
    await run('both', '--guidance', 'classifier+pag', ...guided.slice(2), '--pag-scale', '2');
    await run('ddpm', ...guided, '--scheduler', 'ddpm', '--classifier-form', 'ddpm');
    const different = new Set(Object.values(results).map((one) => JSON.stringify(one)));
    expect(different.size).toBe(6);
  });

  it('begins another training', async () => {
    const file = config('again.json', { model: path('classifier'), steps: 1 });
    expect(await runCommand(train('again', file, '--classifier'))).toBe(0);
  });

  it.each<[string, readonly string[], string]>([
    ['no classifier', ['--guidance', 'classifier'], 'give --noise-classifier DIR'],
    [
      'a scheduler without noise',
      [...guided, '--classifier-form', 'ddpm', '--scheduler', 'ddim'],
      'adds no noise here',
    ],
    ['labels that it does not know', [...guided, '--classifier-labels', '5'], 'whole numbers from 0 to 4'],
    [
      'another size',
      ['--guidance', 'classifier', '--noise-classifier', noiseClassifier],
      'the samples are [3, 1, 8, 8]',
    ],
    ['a UNet', ['--guidance', 'classifier', '--noise-classifier', `${lettersModel}/unet`], '"UNet2DModel"'],
    ['no folder', ['--guidance', 'classifier', '--noise-classifier', path('nowhere')], 'nowhere'],
    ['no effect', ['--guidance', 'pag', '--noise-classifier', path('classifier')], 'has no effect with --guidance pag'],
  ])('refused is %s', async (_what, more, message) => {
    expect(await refusal(...draw('refused.safetensors', ...more))).toContain(message);
  });

  it('refused is other noise than the model has', async () => {
    const file = config('other.json', { scheduler: { _class_name: 'DDPMScheduler', beta_end: 0.01 } });
    expect(await runCommand(train('other', file, '--classifier'))).toBe(0);
    const other = ['--guidance', 'classifier', '--noise-classifier', path('other')];
    expect(await refusal(...draw('refused.safetensors', ...other))).toContain('other noise than the model has');
  });
});

it.each([
  ['restore', '--task', 'denoise', '--input', 'x.png', '--labels', '0', '--out', path('restored.png')],
  ['restore', '--method', 'psld', '--prompt', 'a', '--task', 'denoise', '--input', 'x.png', '--out', path('r.png')],
  ['sample', '--model', lettersModel, '--prompt', 'a', '--out', path('words.png')],
])('guides not where no option names one: %s %s', async (...args) => {
  const message = await refusal(...args, '--guidance', 'classifier+pag');
  expect(message).toContain('--guidance classifier+pag does not go with');
});

it('that which ships need not be named to draw a picture again', async () => {
  const args = ['sample', '--labels', '3', '--count', '1', '--steps', '1', '--guidance', 'classifier'];
  expect(await runCommand([...args, '--threads', '1', '--out', path('shipped.png')])).toBe(0);
  const again = ['again', path('shipped.png'), '--out', path('again.png'), '--threads', '1'];
  expect(await runCommand(again)).toBe(0);
  const message = await refusal(...again, '--noise-classifier', path('classifier'));
  expect(message).toMatch(/other noise|drawn with another --noise-classifier|samples are/);
});

it('that of the letters ships, and is taken for the model that ships', async () => {
  const args = ['sample', '--labels', '3', '--steps', '1', '--guidance', 'classifier', '--threads', '1'];
  expect(await runCommand([...args, '--latents', path('letter.safetensors')])).toBe(0);
  const shard = ['--count', '2', '--labels', '0-25', '--classifier-labels', '3,4', '--steps', '1', '--shard', '1/2'];
  const record = ['--out', path('record.safetensors'), '--guidance', 'classifier', '--threads', '1'];
  expect(await runCommand(['evaluate', ...record, ...shard])).toBe(0);
});
