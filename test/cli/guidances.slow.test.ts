/** How the command line offers guidances, explains them, and refuses what they cannot do. */
import { describe, expect, it } from 'vitest';
import { explain, runCommand } from '../../src/cli/commands.ts';
import { readParameter } from '../../src/cli/guidance-parameters.ts';
import { flagOf } from '../../src/cli/words.ts';
import { guidanceNames, guidances, parametersOf } from '../../src/guidance/registry/index.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { readFileSync } from 'node:fs';
import { capturePrinted } from './console.ts';
import { conditional, smallKernels, temporaryFolder, tiny } from './models.ts';

const { path } = temporaryFolder();
const latents = path('latents.safetensors');

const printed = capturePrinted();

async function output(...args: string[]): Promise<string> {
  printed.length = 0;
  expect(await runCommand(args)).toBe(0);
  return printed.join('\n');
}

const unwrapped = (text: string): string => text.replace(/\s+/g, ' ');

describe('pag guidances', () => {
  it('lists every guidance with its formula and its defaults, which can be given as they are printed', async () => {
    const list = unwrapped(await output('guidances'));
    for (const name of guidanceNames) {
      const { summary, formula, parameters } = guidances[name];
      expect(list).toContain(`${name} ${summary} ${formula}`);
      for (const parameter of parameters) {
        const [, text] = new RegExp(`${flagOf(parameter.name)}=(\\S+)`).exec(
          list.slice(list.indexOf(`${name} ${summary}`)),
        )!;
        expect(readParameter(parameter, text)).toEqual(parameter.default);
      }
    }
  });

  it.each(guidanceNames)(
    '%s: its page, also in --help, says what it does, where it comes from, and all that it takes',
    async (name) => {
      const page = await output('guidances', name);
      expect(await output('guidances', name, '--help')).toBe(page);
      const sampleHelp = await output('sample', '--guidance', name, '--help');
      expect(sampleHelp.endsWith(`\n\n${page}`)).toBe(true);
      expect(sampleHelp).toMatch(/^pag sample/);
      const { summary, formula, source } = guidances[name];
      for (const text of [summary, formula, `from ${source}`]) expect(unwrapped(page)).toContain(text);
      expect(source, `the source of ${name} in src/guidance/registry`).toMatch(/arXiv \d{4}\.\d{5}/);
      for (const { name: parameter, summary: what } of parametersOf(name))
        expect(unwrapped(page)).toContain(`${flagOf(parameter)} ${what}`);
      expect(Math.max(...page.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
    },
  );

  it('says which classifier a guidance follows', async () => {
    expect(await output('guidances', 'universal')).toContain('--clean-classifier, asked for --classifier-labels');
    expect(await output('guidances', 'classifier+pag')).toContain('--noise-classifier, asked for');
    expect(await output('guidances', 'pag')).not.toContain('classifier');
  });

  it('refuses an unknown name, with the one that was meant', async () => {
    await expect(runCommand(['guidances', 'pga'])).rejects.toThrow(
      'there is no guidance "pga"; did you mean "pag"?; there are none, pag,',
    );
    await expect(runCommand(['guidances', 'pag', 'cfg'])).rejects.toThrow('"cfg" is one argument too many');
  });
});

describe('--guidance', () => {
  const sample = (...args: string[]): Promise<number> =>
    runCommand([
      'sample',
      '--model',
      tiny,
      '--steps',
      '2',
      '--count',
      '2',
      '--latents',
      latents,
      ...smallKernels,
      ...args,
    ]);
  const result = () => readTensor(parseSafetensors(readFileSync(latents), latents), 'sample');

  it.each([
    ['pag'],
    ['pag', '--perturbation', 'off-diagonal-mask'],
    ['pag', '--perturbation', 'random-mask', '--mask-probability', '0.3'],
    ['pag', '--perturbation', 'noise'],
    ['pag', '--perturbation', 'blur'],
    ['pag', '--perturbation', 'uniform'],
    ['pag', '--perturbation', 'skip'],
    ['pag', '--pag-adaptive-scale', '0.001'],
    ['soft-pag', '--head-lambda', '0.5'],
    ['sag'],
    ['seg'],
    ['slg'],
    ['auto-guidance'],
    ['pag+apg'],
  ])('%s %s %s changes what is drawn', async (...args) => {
    await sample('--guidance', 'none');
    const plain = result();
    await sample('--guidance', ...args);
    expect(result()).not.toEqual(plain);
    await sample('--guidance', ...args, '--guidance-stop', '0');
    expect(result()).toEqual(plain);
  });

  it('of a class-conditional model, with a scale for each sample', async () => {
    const draw = async (...args: string[]) => {
      const model = ['--model', conditional, '--labels', '2,2', '--null-label', '3', ...smallKernels];
      expect(await runCommand(['sample', ...model, '--steps', '1', '--latents', latents, ...args])).toBe(0);
      return result();
    };
    const plain = await draw();
    const guided = await draw('--guidance', 'cfg', '--guidance-scale', '1,4');
    const half = plain.data.length / 2;
    expect(guided.data.subarray(0, half)).toEqual(plain.data.subarray(0, half));
    expect(guided.data.subarray(half)).not.toEqual(plain.data.subarray(half));
  });

  it.each<[string[], string]>([
    [['pga'], '--guidance is "pga"; expected none, pag, cfg+pag'],
    [['pga'], 'did you mean "pag"?'],
    [['pag', '--pag-scale', 'much'], '--pag-scale is "much"; it must be a finite number, or one for each sample'],
    [['pag', '--pag-scale', '1,,2'], '--pag-scale is "1,,2"'],
    [['pag', '--pag-scale', 'Infinity'], '--pag-scale is Infinity; it must be a finite number'],
    [['pag', '--pag-scale', '1,2,3'], '3 guidance scales are given for 2 samples; give one for each, or one for all'],
    [
      ['pag', '--pag-layers', 'nowhere'],
      '"nowhere" selects no self-attention layer; the model has down_blocks.1.attentions.0',
    ],
    [['pag', '--pag-layers', ''], '--pag-layers is empty; it needs a value'],
    [
      ['pag', '--pag-layers', 'mid,'],
      '--pag-layers is "mid,"; it must be selectors of self-attention layers, with commas between them',
    ],
    [['pag', '--pag-adaptive-scale', '-1'], '--pag-adaptive-scale is -1; it must be a number of at least 0'],
    [['pag', '--pag-adaptive-scale', '1,2'], '--pag-adaptive-scale is "1,2"; it must be a number of at least 0'],
    [['pag', '--pag-adaptive-rule', 'mine'], '--pag-adaptive-rule is "mine"; it must be one of diffusers, comfyui'],
    [['pag', '--perturbation', 'twist'], '--perturbation is "twist"; it must be one of identity, off-diagonal-mask'],
    [['pag', '--mask-probability', '2'], '--mask-probability is 2; it must be a number from 0 to 1'],
    [['pag', '--perturbation-seed', '0.5'], '--perturbation-seed is "0.5"; it must be a whole number of at least 0'],
    [
      ['pag', '--guidance-scale', '3'],
      '--guidance-scale has no effect with --guidance pag; pag guidances pag shows what has',
    ],
    [['none', '--pag-scale', '3'], '--pag-scale has no effect with --guidance none'],
    [['pag', '--guidance-rescale', '1.5'], '--guidance-rescale is 1.5; it must be a number from 0 to 1'],
    [
      ['pag', '--guidance-start', '0.8', '--guidance-stop', '0.2'],
      'the interval of the guidance is from 0.8 to 0.2 (fraction); it must not end before it begins',
    ],
    [['pag', '--guidance-sigma-above', '-1'], '--guidance-sigma-above is -1; it must be a number of at least 0'],
    [['soft-pag', '--head-lambda', '1.5'], '--head-lambda is 1.5; it must be a number from 0 to 1'],
    [['soft-pag', '--head-lambda', '0.1,0.2,0.3,0.4,0.5'], 'SoftPAG was given 5 λ, but the attention layer has'],
    [['sag', '--blur-window', '4'], '--blur-window is 4; it must be an odd whole number'],
    [['seg', '--blur-sigma', '-1'], '--blur-sigma is -1; it must be a number of at least 0'],
    [['cfg'], 'classifier-free guidance needs a class-conditional model and the label that means "no class"'],
    [['fdg', '--guidance-scales', '2,3'], 'classifier-free guidance needs a class-conditional model'],
    [['pag+apg', '--norm-threshold', '-1'], '--norm-threshold is -1; it must be a number of at least 0'],
  ])('%o is refused with one line and status 2', async (args, line) => {
    const error: unknown = await sample('--guidance', ...args).then(
      () => expect.fail('it ran'),
      (thrown: unknown) => thrown,
    );
    const { status, message } = explain(error);
    expect(message).toContain(line);
    expect(message).not.toContain('\n');
    expect(status).toBe(2);
  });
});
