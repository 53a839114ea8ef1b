/** What is wrong whatever the model is is told before its files are looked for, in the words of the command line. */
import { describe, expect, it } from 'vitest';
import { refusal } from './console.ts';

const nowhere = ['--model', 'nowhere'];
const sampled = ['sample', ...nowhere, '--out', 'nothing.png'];

describe('before a file is read', () => {
  it.each<[readonly string[], string]>([
    [['--guidance', 'bogus'], '--guidance is "bogus"; expected none, pag, '],
    [['--guidance', 'pag', '--pag-scale', 'x'], '--pag-scale is "x"; it must be a finite number'],
    [['--scheduler', 'eulerr'], '--scheduler is "eulerr"; expected ddpm, '],
    [['--sigma-spacing', 'karas'], '--sigma-spacing is "karas"; expected karras, '],
    [['--timesteps', '9,x'], '--timesteps has "x"; expected numbers between commas'],
    [['--sigmas', '9,x'], '--sigmas has "x"; expected numbers between commas'],
    [['--seed', 'x'], '--seed is "x"; expected a whole number'],
    [['--seeds', '1,x'], '--seeds has "x"; expected a whole number'],
    [['--labels', '3-1'], '--labels has "3-1"; expected whole numbers or ranges'],
    ...[
      ...['steps', 'eta', 's-churn', 's-tmin', 's-tmax', 's-noise', 'count', 'null-label', 'threads'],
      ...['height', 'width', 'clip-skip', 'strength', 'jump-length', 'jump-n-sample'],
    ].map((name): [readonly string[], string] => [[`--${name}`, 'x'], `--${name} is "x"; expected a number`]),
  ])('%j is refused', async (args, message) => {
    expect(await refusal(...sampled, ...args)).toContain(message);
    expect(await refusal(...sampled, '--prompt', 'x', ...args)).toContain(message);
  });

  it.each([
    [
      ['restore', ...nowhere, '--task', 'sr4', '--input', 'x.png', '--out', 'y.png'],
      ['weight', 'gluing', 'noise-level'],
    ],
    [
      ['evaluate', ...nowhere, '--out', 'y.safetensors'],
      ['count', 'seed', 'steps', 'eta', 'batch', 'for', 'rounds'],
    ],
    [['bench', ...nowhere], ['threads']],
    [['walkthrough'], ['port']],
    [['again', 'nowhere.png', '--out', 'y.png'], ['threads']],
    [
      ['export', ...nowhere, 'kit'],
      ['null-label', 'height', 'width', 'steps', 'eta', 'guidance-scale', 'pag-scale', 'guidance-rescale'],
    ],
  ])('what is no number is refused by pag %j', async (args, names) => {
    for (const name of names)
      expect(await refusal(...args, `--${name}`, 'x')).toContain(`--${name} is "x"; expected a number`);
  });

  it.skipIf(process.platform !== 'linux')('pictures where none can be written are refused', async () => {
    for (const out of ['/proc/{index}.png', '/proc/a.png'])
      expect(await refusal('sample', ...nowhere, '--out', out)).toMatch(/^cannot write .*\/proc/);
  });

  it('a component that there is not is refused', async () => {
    const files = ['--input', 'nowhere.safetensors', '--out', 'out.safetensors'];
    expect(await refusal('forward', ...nowhere, ...files, '--component', 'vae')).toContain(
      '--component is "vae"; expected unet, text_encoder',
    );
  });
});
