/** `pag schedulers`, and the choice of a scheduler for a model. */
import { describe, expect, it } from 'vitest';
import { chooseScheduler } from '../../src/cli/model.ts';
import { runCommand } from '../../src/cli/commands.ts';
import { readOptions } from '../../src/cli/options.ts';
import { chooseRun, schedulerOptions } from '../../src/cli/scheduler-options.ts';
import { schedulersCommand } from '../../src/cli/schedulers.ts';
import { createScheduler, schedulerDefaults, schedulerNames, schedulers } from '../../src/schedulers/registry.ts';
import { capturePrinted } from './console.ts';
import { letters } from './models.ts';

const shown = capturePrinted();

const shortsOf = (condition: (name: (typeof schedulerNames)[number]) => boolean): string =>
  schedulerNames
    .filter(condition)
    .map((name) => schedulers[name].short)
    .join(', ');
/** The schedulers whose configs have a key. */
const having = (key: string): string => shortsOf((name) => key in schedulerDefaults(name));

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
      const users = shortsOf((one) => schedulers[one].eta !== undefined);
      await expect(sample(schedulers[name].short)).rejects.toThrow(
        isUsed ? '--steps is 0' : `--eta does nothing with ${schedulers[name].short}; it is of ${users}`,
      );
    },
  );
});

describe('steps, spacing and churn of a run', () => {
  const chosen = async (...args: string[]) => {
    const config = { _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' };
    const { scheduler, stepCount } = await chooseRun(readOptions(args, schedulerOptions), config);
    return { ...scheduler, stepCount };
  };

  it('timesteps and σ of one’s own say how many steps there are', async () => {
    const own = await chosen('--scheduler', 'euler', '--timesteps', '999, 500,20.5');
    expect([own.timesteps, own.stepCount]).toEqual([[999, 500, 20.5], 3]);
    const sigmas = await chosen('--scheduler', 'euler', '--sigmas', '14.6,2,0');
    expect([sigmas.levelAt(1).noise, sigmas.stepCount]).toEqual([2, 2]);
    await expect(chosen('--scheduler', 'euler', '--timesteps', '9,x')).rejects.toThrow(
      '--timesteps has "x"; expected numbers between commas',
    );
    await expect(chosen('--timesteps', '9,1')).rejects.toThrow('DDIMScheduler takes no timesteps of your own');
    await expect(chosen('--scheduler', 'euler', '--steps', '3', '--timesteps', '9,1')).rejects.toThrow(
      '3 steps are asked for, but timesteps says 2; leave the number of steps out',
    );
  });

  it('--sigma-spacing is the key of the config, and takes the place of another', async () => {
    const spaced = await chosen('--scheduler', 'euler', '--sigma-spacing', 'exponential', '--steps', '7');
    expect(spaced.timesteps).toEqual(
      createScheduler(
        { _class_name: 'EulerDiscreteScheduler', prediction_type: 'v_prediction', use_exponential_sigmas: true },
        7,
      ).timesteps,
    );
    const karras = { _class_name: 'DPMSolverMultistepScheduler', use_karras_sigmas: true };
    const { scheduler } = await chooseRun(readOptions(['--sigma-spacing', 'beta'], schedulerOptions), karras);
    expect(scheduler.config).toMatchObject({ use_karras_sigmas: false, use_beta_sigmas: true, use_lu_lambdas: false });
    await expect(chosen('--sigma-spacing', 'karras')).rejects.toThrow(
      `--sigma-spacing karras does nothing with ddim; it is of ${having('use_karras_sigmas')}`,
    );
    await expect(chosen('--sigma-spacing', 'lu')).rejects.toThrow('--sigma-spacing is "lu"; expected karras, expo');
    const edm = { _class_name: 'EDMEulerScheduler' };
    const ofEdm = await chooseRun(readOptions(['--sigma-spacing', 'exponential'], schedulerOptions), edm);
    expect(ofEdm.scheduler.config['sigma_schedule']).toBe('exponential');
  });

  it('churn is of the schedulers that add it', async () => {
    const names = ['--s-churn', '--s-tmin', '--s-tmax', '--s-noise'];
    for (const name of names) {
      await expect(chosen(name, '1')).rejects.toThrow(/^DDIMScheduler has no s\w+, but 1 is given/);
      await expect(chosen(name, '-1')).rejects.toThrow(`${name} is -1; expected at least 0`);
      expect((await chosen('--scheduler', 'euler', name, '1')).stepCount).toBe(20);
    }
  });

  it('pag schedulers NAME says what there is to choose', async () => {
    await schedulersCommand.run(['euler']);
    expect(shown[0]).toMatch(
      /timesteps your own: --timesteps\nsigmas +your own: --sigmas, the last that of the result\nchurn /,
    );
  });
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
