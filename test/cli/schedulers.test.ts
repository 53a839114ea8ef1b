/** `pag schedulers`, and the choice of a scheduler for a model. */
import { describe, expect, it } from 'vitest';
import { chooseScheduler } from '../../src/cli/model.ts';
import { runCommand } from '../../src/cli/commands.ts';
import { schedulersCommand } from '../../src/cli/schedulers.ts';
import { createScheduler, schedulerDefaults, schedulerNames, schedulers } from '../../src/schedulers/registry.ts';
import { capturePrinted } from './console.ts';
import { letters } from './models.ts';

const shown = capturePrinted();

describe('pag schedulers', () => {
  it('lists every scheduler by a name of its own, in lines of at most 120 columns', async () => {
    expect(await schedulersCommand.run([])).toBe(0);
    const lines = shown[0].split('\n');
    expect(lines.map((line) => line.split(/\s+/)[0])).toEqual(schedulerNames.map((name) => schedulers[name].short));
    expect(new Set(lines.map((line) => line.split(/\s+/)[0])).size).toBe(schedulerNames.length);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it.each(schedulerNames)('shows %s by both its names: class, source, every key with its default', async (name) => {
    await schedulersCommand.run([name]);
    await schedulersCommand.run([schedulers[name].short]);
    expect(shown[1]).toBe(shown[0]);
    for (const text of [name, schedulers[name].source, ...Object.keys(schedulerDefaults(name))])
      expect(shown[0]).toContain(text);
  });

  it('refuses what it does not know', async () => {
    await expect(schedulersCommand.run(['eular'])).rejects.toThrow(
      'there is no scheduler "eular"; did you mean "euler"?; there are ddpm, ',
    );
    await expect(schedulersCommand.run(['euler', 'heun'])).rejects.toThrow('"heun" is one argument too many');
  });
});

describe('--eta', () => {
  const sample = (scheduler: string) =>
    runCommand([
      'sample',
      '--model',
      letters,
      '--labels',
      '0',
      '--steps',
      '0',
      '--out',
      'nothing.png',
      '--scheduler',
      scheduler,
      '--eta',
      '0.5',
    ]);

  it.each(schedulerNames.filter((name) => schedulers[name].kind === 'discrete'))(
    'is refused where it does nothing: %s',
    async (name) => {
      // 0 steps are refused as well, later: nothing is drawn.
      const isUsed = schedulers[name].eta !== undefined;
      await expect(sample(schedulers[name].short)).rejects.toThrow(
        isUsed
          ? '--steps is 0'
          : `--eta does nothing with ${schedulers[name].short}; it is of ddim, euler-ancestral, kdpm2-ancestral, tcd`,
      );
    },
  );
});

describe('a scheduler for a model', () => {
  const ofModel = {
    _class_name: 'DDIMScheduler',
    beta_start: 0.001,
    beta_end: 0.01,
    num_train_timesteps: 500,
    prediction_type: 'v_prediction',
    rescale_betas_zero_snr: true,
    clip_sample: false,
  };

  it('takes over what the model was trained with, as far as the class has the key', async () => {
    expect(await chooseScheduler('euler', undefined, ofModel)).toEqual({
      _class_name: 'EulerDiscreteScheduler',
      beta_start: 0.001,
      beta_end: 0.01,
      num_train_timesteps: 500,
      prediction_type: 'v_prediction',
      rescale_betas_zero_snr: true,
    });
    expect(await chooseScheduler('HeunDiscreteScheduler', undefined, ofModel)).not.toHaveProperty(
      'rescale_betas_zero_snr',
    );
  });

  it('of every name of its kind can be created, and one of another kind is refused', async () => {
    for (const name of schedulerNames) {
      const chosen = chooseScheduler(schedulers[name].short, undefined, ofModel);
      if (schedulers[name].kind === 'discrete') expect(createScheduler(await chosen, 20).name).toBe(name);
      else await expect(chosen).rejects.toThrow(`${name} is for models`);
    }
  });

  it('is the model’s own, or DDIM, unless one is named; a name that is misspelt is refused', async () => {
    expect(await chooseScheduler(undefined, undefined, ofModel)).toBe(ofModel);
    expect(await chooseScheduler(undefined, undefined, undefined)).toEqual({ _class_name: 'DDIMScheduler' });
    await expect(chooseScheduler('unipcc', undefined, ofModel)).rejects.toThrow(
      '--scheduler is "unipcc"; expected ddpm, ddim',
    );
  });
});
