/**
 * `pag train --classifier`, and what draws and measures with its result and with the classifier of letters; what cannot
 * be is told in one line.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { lettersModel, noiseClassifier, shippedClassifier } from '../../src/cli/shipped.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { smallConfig as classes } from '../models/unet2d-classifier/models.ts';
import { smallConfig as unet } from '../models/unet2d/models.ts';
import { capturePrinted, refusal } from './console.ts';
import { smallKernels, temporaryFolder } from './models.ts';

const weightsFile = 'diffusion_pytorch_model.safetensors';
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
    await run('nowhere', '--guidance', 'classifier', '--classifier-scale', '0,0,0');
    for (const name of ['none', 'nowhere']) expect(results[name]).toEqual(results['plain']);
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
  const args = ['sample', '--labels', '3', '--steps', '1', '--guidance', 'classifier', '--threads', '1'];
  const files = ['--out', path('shipped.png'), '--latents', path('letter.safetensors')];
  expect(await runCommand([...args, '--count', '1', ...files])).toBe(0);
  const again = ['again', path('shipped.png'), '--out', path('again.png'), '--threads', '1'];
  expect(await runCommand(again)).toBe(0);
  const message = await refusal(...again, '--noise-classifier', path('classifier'));
  expect(message).toMatch(/other noise|drawn with another --noise-classifier|samples are/);
});

describe('universal guidance', () => {
  const letter = ['sample', '--labels', '26', '--count', '1', '--steps', '1', '--threads', '1'];
  const universal = ['--guidance', 'universal', '--classifier-labels', '3'];

  it('follows the classifier of letters that ships, with a scale of 0 not at all', async () => {
    const draw = async (name: string, ...more: readonly string[]): Promise<unknown> => {
      expect(await runCommand([...letter, '--latents', path(`${name}.safetensors`), ...more]), name).toBe(0);
      return sampleOf(`${name}.safetensors`);
    };
    const plain = await draw('unguided');
    expect(await draw('idle', ...universal, '--classifier-scale', '0')).toEqual(plain);
    const pulled = await draw('pulled', ...universal, '--out', path('universal.png'));
    expect(pulled).not.toEqual(plain);
    const named = ['--clean-classifier', shippedClassifier];
    expect(await draw('named', ...universal, ...named)).toEqual(pulled);
  });

  it('draws a picture again without a name for what ships, and evaluates', async () => {
    expect(await runCommand(['again', path('universal.png'), '--out', path('same.png'), '--threads', '1'])).toBe(0);
    const record = ['--out', path('universal.safetensors'), '--null-label', '26', '--threads', '1'];
    const shard = ['--count', '2', '--steps', '1', '--shard', '1/2'];
    expect(await runCommand(['evaluate', ...record, ...shard, ...universal])).toBe(0);
  });

  it.each<[string, readonly string[], string]>([
    ['a label that is none', letter, 'give --classifier-labels: what it is asked for instead'],
    ['no label', ['sample', '--null-label', '26'], 'give --labels or --classifier-labels, or --classifier-scale 0'],
    [
      'no classifier',
      ['sample', '--labels', '3', '--model', lettersModel],
      'give --clean-classifier FILE.safetensors, or',
    ],
  ])('says what it wants: %s', async (_what, args, message) => {
    expect(await refusal(...args, '--guidance', 'universal', '--out', path('refused.png'))).toContain(message);
  });

  it.each<[string, readonly string[], string]>([
    ['a letter that there is not', ['--classifier-labels', '26'], 'whole numbers from 0 to 25'],
    ['another file', ['--clean-classifier', `${noiseClassifier}/${weightsFile}`], '"a.weight" must have shape'],
    ['no file', ['--clean-classifier', path('nowhere.safetensors')], 'nowhere'],
    ['a classifier of noise', ['--noise-classifier', noiseClassifier], 'has no effect with --guidance universal'],
    ['a form', ['--classifier-form', 'ddpm'], '--classifier-form has no effect with --guidance universal'],
  ])('refused is %s', async (_what, more, message) => {
    const given = more.includes('--classifier-labels') ? universal.slice(0, 2) : universal;
    expect(await refusal(...letter, '--latents', path('refused.safetensors'), ...given, ...more)).toContain(message);
  });
});

it('that of the letters ships, and is taken for the model that ships', async () => {
  const shard = ['--count', '2', '--labels', '0-25', '--classifier-labels', '3,4', '--steps', '1', '--shard', '1/2'];
  const record = ['--out', path('record.safetensors'), '--guidance', 'classifier', '--threads', '1'];
  expect(await runCommand(['evaluate', ...record, ...shard])).toBe(0);
});
