/** Cases of one's own model: what is written can be checked with, honest ports pass, and mistakes are named. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { openBands, openCase } from '../../src/cli/oracle-files.ts';
import { parseSafetensors, readTensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import type { Implementation } from '../../src/oracle/implementation.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { capturePrinted, refusal } from './console.ts';
import { temporaryFolder } from './models.ts';
import { python } from './python.ts';
import { heldOut, outputOf, port } from '../oracle/ports.ts';
import { thorough } from '../thorough.ts';

const { path } = temporaryFolder();
const printed = capturePrinted();
const folderOf = (name: string): string => new URL(`../../fixtures/${name}`, import.meta.url).pathname;
const pixels = folderOf('goldens/runs/conditional');
const words = folderOf('goldens/text/pipelines/sd-1');
const ofPixels = ['--model', pixels, '--labels', '1', '--null-label', '3'];
const small = ['--height', '16', '--width', '16', '--steps', '1'];

const honest = port(heldOut['runs of 16']!);
const faulty = (name: string): Implementation => bank.find((fault) => fault.name === name)!.apply(honest);

/** What a port writes for the case in a folder. */
async function written(folder: string, implementation: Implementation, file: string): Promise<string> {
  writeFileSync(path(file), writeSafetensors(outputOf(await openCase(folder), implementation)));
  return path(file);
}

/** What pag sample writes of a run from a case's noise, as the case guides it. */
async function sampled(args: readonly string[], kit: string): Promise<(name: string) => Tensor> {
  const file = path('sampled.safetensors');
  const guidance = ['--guidance', 'cfg+pag', '--guidance-scale', '3', '--pag-scale', '1.5', '--dtype', 'f64'];
  const noise = ['--noise', join(kit, 'inputs.safetensors'), '--latents', file, '--quiet'];
  expect(await runCommand(['sample', ...args, ...guidance, ...noise])).toBe(0);
  const tensors = readTensors(parseSafetensors(readFileSync(file), 'sampled'));
  return (name) => tensors.get(name)!;
}

describe('a case of a model of pictures', () => {
  const kit = path('pixels');

  it('is written whole, with a guide', async () => {
    expect(await runCommand(['export', ...ofPixels, kit, '--quiet'])).toBe(0);
    for (const file of ['case.json', 'inputs', 'weights', 'expected', 'bands.f32', 'README.md'])
      expect(existsSync(join(kit, /\./.test(file) && !/^bands/.test(file) ? file : `${file}.safetensors`)), file).toBe(
        true,
      );
    const one = await openCase(kit);
    expect((await openBands(kit, one, 'f32'))?.size).toBe(one.expected.size);
    const guide = readFileSync(join(kit, 'README.md'), 'utf8');
    expect(guide).toContain('ε̃ = ε(∅) + 3 (ε(c) − ε(∅)) + 1.5 (ε(c) − ε̂(c))');
    expect(guide).toContain('mid_block.attentions.0');
    expect(guide).toMatch(/at the timesteps 501, 1|at the timesteps 500, 0/);
  });

  it('is passed by honest ports, and names mistakes', async () => {
    expect(await runCommand(['check', kit, await written(kit, honest, 'right.safetensors'), '--quiet'])).toBe(0);
    const wrong = await written(kit, faulty('pag-diagonal-of-map'), 'wrong.safetensors');
    expect(await runCommand(['check', kit, wrong, '--only', 'step.0.*', '--quiet'])).toBe(1);
    expect(printed.at(-1)).toContain('keep the diagonal of the attention map');
  });

  it('expects what pag sample draws in double precision', async () => {
    const drawn = await sampled(['--model', pixels, '--labels', '1', '--null-label', '3', '--steps', '2'], kit);
    expect(drawn('sample')).toEqual((await openCase(kit)).expected.get('step.1.sample')?.f64);
  });

  it('has noise where the scheduler draws it, and only there; and the taps that are asked for', async () => {
    const noisy = path('noisy');
    const run = ['--scheduler', 'ddpm', '--steps', '3', '--taps', 'step.0.guided,step.1*.conv_in'];
    expect(await runCommand(['export', ...ofPixels, noisy, ...run, '--quiet'])).toBe(0);
    const { inputs, expected } = await openCase(noisy);
    expect([...inputs.keys()]).toEqual(['noise', 'step.0.noise', 'step.1.noise']);
    expect([...(await openCase(kit)).inputs.keys()]).toEqual(['noise']);
    const taps = [...expected.keys()];
    expect(taps).toContain('step.1.conv_in');
    expect(taps.filter((tap) => !/^step\.1\..*conv_in$/.test(tap))).toEqual(['step.0.guided']);
  });
});

describe('a case of a pipeline with text', () => {
  const kit = path('words');

  it('goes from tokens to the picture, and is passed by honest ports', async () => {
    expect(await runCommand(['export', '--model', words, '--prompt', 'a letter Q', kit, ...small, '--quiet'])).toBe(0);
    const one = await openCase(kit);
    for (const tap of ['encoder_hidden_states', 'text_encoder.encoder.layers.0', 'step.0.perturbed.mid_block', 'image'])
      expect([...one.expected.keys()]).toContain(tap);
    expect(await runCommand(['check', kit, await written(kit, honest, 'q.safetensors'), '--quiet'])).toBe(0);
  });

  it('expects what pag sample draws in double precision', async () => {
    const drawn = await sampled(['--model', words, '--prompt', 'a letter Q', '--steps', '1'], kit);
    const { expected } = await openCase(kit);
    expect(drawn('sample')).toEqual(expected.get('step.0.sample')?.f64);
    const { data } = drawn('image');
    expected.get('image')?.f64.data.forEach((value, i) => expect(data[i]).toBeCloseTo(value, 12));
  });

  it('is the same from the cache of the Hub', async () => {
    mkdirSync(path('cache/refs'), { recursive: true });
    mkdirSync(path('cache/snapshots'));
    writeFileSync(path('cache/refs/main'), 'abcdef12');
    symlinkSync(words, path('cache/snapshots/abcdef12'));
    const cached = path('cached');
    const [first] = (await openCase(kit)).expected.keys();
    const run = ['--model', path('cache'), '--prompt', 'a letter Q', ...small, '--taps', first];
    expect(await runCommand(['export', ...run, cached, '--quiet'])).toBe(0);
    const [one, of] = [await openCase(cached), await openCase(kit)];
    expect(one.subject).toEqual(of.subject);
    expect(one.weights).toEqual(of.weights);
    expect(one.expected.get(first)).toEqual(of.expected.get(first));
  });

  it('finds where a port goes wrong', async () => {
    const wrong = await written(kit, faulty('geglu-swapped'), 'swapped.safetensors');
    expect(await runCommand(['check', kit, wrong, '--only', 'step.0.down_blocks.0.*', '--quiet'])).toBe(1);
    expect(printed.at(-1)).toMatch(/step\.0\.down_blocks\.0\.attentions\.0/);
  });
});

// The other member of the family; what differs is asked of its parts (test/models/unet2d-condition, test/pipelines).
describe.runIf(thorough)('a case of a pipeline of Stable Diffusion XL', () => {
  const kit = path('xl');
  const xl = folderOf('goldens/text/pipelines/sd-xl');

  it('has both encoders, sizes and the pooled text, is passed by honest ports, and finds mistakes', async () => {
    const args = ['--model', xl, '--prompt', 'a letter Q', '--negative-prompt', 'blue', ...small, '--quiet'];
    expect(await runCommand(['export', ...args, kit])).toBe(0);
    const one = await openCase(kit);
    for (const tap of [
      'text_encoder_2.text_projection',
      'text_embeds',
      'step.0.prediction',
      'step.0.perturbed.mid_block',
      'image',
    ])
      expect([...one.expected.keys()]).toContain(tap);
    expect(await runCommand(['check', kit, await written(kit, honest, 'xl.safetensors'), '--quiet'])).toBe(0);
    const wrong = await written(kit, faulty('time-ids-crop-last'), 'xl-wrong.safetensors');
    expect(await runCommand(['check', kit, wrong, '--no-diagnosis', '--quiet'])).toBe(1);
    expect(printed.at(-1)).toMatch(/First divergence: step\.0\./);
  });

  it.runIf(python !== undefined)('is checked in Python, by the checker beside it', async () => {
    const checker = (file: string) => spawnSync(python ?? '', [join(kit, 'pag_oracle.py'), kit, path(file)]);
    expect(checker('xl.safetensors')).toMatchObject({ status: 0 });
    const { status, stdout } = checker('xl-wrong.safetensors');
    expect([status, stdout.toString()]).toEqual([1, expect.stringMatching(/taps are off, first /)]);
  });
});

describe('pag export --model refuses', () => {
  it.each([
    [['--model', words, '--prompt', 'x', '--height', '8192', '--width', '8192', '--steps', '50'], /fewer --steps/],
    [['--model', words, '--prompt', 'x', '--height', '15'], /multiple/],
    [['--model', words, '--prompt', 'x', '--labels', '1'], /--labels has no effect with --prompt/],
    [[...ofPixels, '--taps', 'nothing'], /--taps nothing names no tap/],
    [['--model', pixels, '--labels', '1', '--guidance-scale', '3'], /--null-label/],
    [[...ofPixels, '--negative-prompt', 'x'], /no effect without --prompt/],
    [[...ofPixels, '--dtype', 'bf16'], /--dtype has no effect with --model/],
    [[...ofPixels, '--pag-layers', 'up_blocks.7'], /selects no/],
  ])('%j', async (args, message) => {
    expect(await refusal('export', ...args, path('refused'))).toMatch(message);
    expect(existsSync(path('refused'))).toBe(false);
  });

  it('its options without it', async () => {
    expect(await refusal('export', 'unets/tiny', path('refused'), '--steps', '3')).toMatch(/without --model/);
  });
});
