/** `pag restore`: a letter that is whole again, and what is refused. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/cli/options.ts';
import { bestWeights, chooseWeight, methods, tasks, type Method, type Task } from '../../src/cli/restoration-task.ts';
import { runCommand } from '../../src/cli/commands.ts';
import { wordsModel } from '../../src/cli/shipped.ts';
import { encodePng } from '../../src/formats/png.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { measure } from '../../src/restoration/measurement.ts';
import { superResolution } from '../../src/restoration/measurements.ts';
import { norm, subtract } from '../../src/tensor/arithmetic.ts';
import { capturePrinted, refusal } from './console.ts';
import { temporaryFolder, tiny } from './models.ts';
import { thorough } from '../thorough.ts';

const { path } = temporaryFolder();
const printed = capturePrinted();
const square = (side: number): Uint8Array =>
  encodePng({
    width: side,
    height: side,
    channels: 1,
    pixels: Uint8Array.from({ length: side * side }, (_, i) => {
      const [x, y] = [(i % side) / side, Math.floor(i / side) / side];
      return x > 0.25 && x < 0.4 && y > 0.2 && y < 0.8 ? 255 : 0;
    }),
  });

writeFileSync(path('whole.png'), square(32));
writeFileSync(path('small.png'), square(8));
const restore = (...args: readonly string[]): string[] => [
  ...['restore', '--null-label', '26', '--count', '1', '--steps', '3'],
  ...args,
];

describe('pag restore', () => {
  it('draws what fits a small picture, and keeps the numbers', async () => {
    const latents = path('numbers.safetensors');
    const drawn = async (weight: string): Promise<number> => {
      const args = ['--task', 'sr4', '--input', path('small.png'), '--latents', latents, '--weight', weight];
      expect(await runCommand(restore(...args))).toBe(0);
      const file = parseSafetensors(readFileSync(latents), latents);
      const given = (name: string) => readTensor(file, name);
      expect([...file.entries.keys()]).toEqual([
        'noise',
        'measured',
        ...Array.from({ length: 3 }, (_, i) => `step.${i}`),
        'sample',
      ]);
      return norm(subtract(given('measured'), measure(superResolution(4), given('sample'))))[0];
    };
    const without = await drawn('0');
    expect(await drawn('20')).toBeLessThan(0.5 * without);
    if (thorough) expect(await drawn('4')).toBeLessThan(without);
  });

  it('of a whole picture tells how well its damage was undone, with any guidance', async () => {
    const args = [
      '--task',
      'motion-blur',
      '--input',
      path('whole.png'),
      '--degrade',
      '--out',
      path('grid.png'),
      '--json',
    ];
    const ratio = async (...more: readonly string[]): Promise<number> => {
      printed.length = 0;
      expect(await runCommand(restore(...args, '--guidance', 'pag', '--pag-scale', '1', ...more))).toBe(0);
      const said = JSON.parse(printed[0]) as { psnr: number[]; run: string };
      expect(said.run).toMatch(/^motion-blur, pag, DDPM, /);
      return said.psnr[0];
    };
    expect(await ratio('--weight', '3')).toBeGreaterThan((await ratio('--weight', '0')) + 1);
  });

  it('weighs by the task, and the less the more steps there are, with the scheduler that is asked for', async () => {
    const runOf = async (...more: readonly string[]): Promise<{ weight: number; run: string }> => {
      printed.length = 0;
      const args = ['--task', 'denoise', '--input', path('small.png'), '--out', path('grid.png'), '--json'];
      expect(await runCommand(['restore', '--model', tiny, '--count', '1', '--steps', '3', ...args, ...more])).toBe(0);
      return JSON.parse(printed[0]) as { weight: number; run: string };
    };
    expect(await runOf('--scheduler', 'ddim')).toMatchObject({
      weight: 2,
      run: expect.stringMatching(/^denoise, none, DDIM, /),
    });
    const options = (...args: readonly string[]) => readOptions(args, { weight: 'number' });
    const weightOf = (method: Method, task: Task, steps: number, ...args: readonly string[]): number =>
      chooseWeight(options(...args), method, task, steps);
    for (const method of methods)
      for (const task of tasks) expect(weightOf(method, task, 20)).toBe(bestWeights[method][task]);
    expect([weightOf('dps', 'sr8', 50), weightOf('dps', 'sr8', 50, '--weight', '7')]).toEqual([6.4, 7]);
  });

  it('wants a file to write, of those that it can', async () => {
    const args = ['restore', '--task', 'denoise', '--input', path('whole.png')];
    expect(await refusal(...args)).toContain('give --out GRID.png, --latents FILE.safetensors, or both');
  });

  const inLatents = (...args: readonly string[]): string[] => [
    ...['restore', '--method', 'psld', '--model', wordsModel, '--count', '1', '--threads', '1'],
    ...args,
  ];
  const words = (...args: readonly string[]): string[] =>
    inLatents('--task', 'sr4', '--input', path('small.png'), ...args);

  it('restores in the latents of a pipeline: the nearer to what was given the more that counts', async () => {
    const latents = path('psld.safetensors');
    const misfit = async (...more: readonly string[]): Promise<number> => {
      const args = ['--prompt', 'a letter I', '--scheduler', 'ddim', '--steps', '2', '--latents', latents, ...more];
      expect(await runCommand(words(...args))).toBe(0);
      const file = parseSafetensors(readFileSync(latents), latents);
      expect([...file.entries.keys()].slice(-2)).toEqual(['sample', 'image']);
      return norm(subtract(readTensor(file, 'measured'), measure(superResolution(4), readTensor(file, 'image'))))[0];
    };
    expect(await misfit('--weight', '8')).toBeLessThan(0.8 * (await misfit('--weight', '0', '--gluing', '0')));
  });

  it('weighs in latents by what is best there', async () => {
    printed.length = 0;
    const args = ['--task', 'inpaint', '--input', path('whole.png'), '--degrade', '--prompt', '', '--steps', '1'];
    expect(await runCommand(inLatents(...args, '--out', path('grid.png'), '--json'))).toBe(0);
    expect(JSON.parse(printed[0])).toMatchObject({ weight: 8, gluing: 0.8 });
  });

  it.each([
    [[], "--method psld needs a --prompt; '' says nothing of the picture"],
    [['--prompt', 'a', '--prompt', 'b'], 'with one --prompt and one --negative-prompt'],
    [['--prompt', 'a', '--labels', '3'], '--labels has no effect with --method psld'],
    [['--prompt', 'a', '--gluing', '-1'], '--gluing is -1'],
  ])('refuses in latents %j', async (args, message) => {
    expect(await refusal(...words(...args, '--out', path('grid.png')))).toContain(message);
  });

  it.each([
    [['--input', 'x.png'], '--task is missing; expected denoise, inpaint'],
    [['--task', 'deblur', '--input', 'x.png'], '--task is "deblur"'],
    [
      ['--task', 'sr4', '--input', 'whole.png'],
      'whole.png has 32 × 32 pixels; expected 8 × 8, as sr4 leaves of one of 32 × 32',
    ],
    [['--task', 'sr4', '--input', 'small.png', '--degrade'], 'small.png has 8 × 8 pixels; expected 32 × 32'],
    [['--task', 'sr4', '--input', 'small.png', '--mask', 'small.png'], '--mask has no effect without --task inpaint'],
    [
      ['--task', 'sr4', '--input', 'small.png', '--noise-level', '0.1'],
      '--noise-level has no effect without --degrade',
    ],
    [
      ['--task', 'inpaint', '--input', 'whole.png', '--mask', 'small.png'],
      'small.png has 8 × 8 pixels; expected 32 × 32',
    ],
    [
      ['--task', 'denoise', '--input', 'whole.png', '--scheduler', 'euler'],
      'goes with DDPMScheduler and DDIMScheduler',
    ],
    [['--task', 'denoise', '--input', 'whole.png', '--weight', '-1'], '--weight is -1'],
    [['--task', 'denoise', '--input', 'none.png'], 'none.png'],
    [['--task', 'denoise', '--input', 'whole.png', '--method', 'psdl'], '--method is "psdl"'],
    [['--task', 'denoise', '--input', 'whole.png', '--prompt', 'a'], '--prompt has no effect with --method dps'],
    [['--task', 'denoise', '--input', 'whole.png', '--gluing', '1'], '--gluing has no effect with --method dps'],
  ])('refuses %j', async (args, message) => {
    const given = args.map((arg) => (arg.endsWith('.png') ? path(arg) : arg));
    expect(await refusal(...restore(...given, '--out', path('grid.png')))).toContain(message);
  });
});
