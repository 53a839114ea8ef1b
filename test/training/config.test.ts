/** The config of a training: what it reads, and how it refuses. */
import { describe, expect, it } from 'vitest';
import { configHelp, parseTrainingConfig, sections } from '../../src/training/config.ts';
import { InputError } from '../../src/tensor/errors.ts';

const least = { model: {}, steps: 10 };

describe('the config of a training', () => {
  it('has a default for all but the model and the steps', () => {
    const config = parseTrainingConfig(least);
    expect(config).toMatchObject({ steps: 10, model: {}, scheduler: undefined, optimiser: { beta1: 0.9 } });
    for (const [section, keys] of Object.entries(sections))
      for (const key of Object.keys(keys))
        expect(config[section as 'batch'][key as 'size'], `${section}.${key}`).not.toBeUndefined();
  });

  it('takes what it lists, notes included', () => {
    const given = {
      optimiser: { learning_rate: 1e-4, max_grad_norm: null },
      _note: 'mine',
      model: '../letters',
      steps: 3,
    };
    expect(parseTrainingConfig(given)).toMatchObject({ model: '../letters', optimiser: given.optimiser });
  });

  it.each<[string, object, string]>([
    ['a list', [], 'mine.json is []; expected an object of keys'],
    [
      'no model',
      { steps: 1 },
      'mine.json: model is missing; expected the config of a UNet2DModel (of a UNet2DClassifierModel for',
    ],
    ['a list for a model', { model: [], steps: 1 }, 'model is []; expected'],
    ['no steps', { model: {} }, 'mine.json: steps is missing; expected a whole number from 1'],
    ['no whole steps', { model: {}, steps: 1.5 }, 'steps is 1.5; expected a whole number from 1'],
    ['a text for a scheduler', { ...least, scheduler: 'ddpm' }, 'scheduler is "ddpm"; expected'],
    [
      'an unknown key',
      { ...least, optimizer: {} },
      'the config has no key "optimizer"; it has model, scheduler, steps',
    ],
    [
      'an unknown key inside',
      { ...least, optimiser: { lr: 1 } },
      'optimiser has no key "lr"; it has learning_rate, beta1',
    ],
    ['a number for a section', { ...least, batch: 16 }, 'batch is 16; expected an object of keys'],
    ['null for a section', { ...least, batch: null }, 'batch is null; expected an object of keys'],
    ['a text for a number', { ...least, batch: { size: '16' } }, 'batch.size is "16"; expected a whole number from 1'],
    [
      'a rate below 0',
      { ...least, optimiser: { learning_rate: -1 } },
      'optimiser.learning_rate is -1; expected a number from 0',
    ],
    ['β of 1', { ...least, optimiser: { beta1: 1 } }, 'optimiser.beta1 is 1; expected a number from 0 and below 1'],
    ['ε of 0', { ...least, optimiser: { eps: 0 } }, 'optimiser.eps is 0; expected a number above 0'],
    ['a limit of 0', { ...least, optimiser: { max_grad_norm: 0 } }, 'expected a number above 0, or null'],
    [
      'a schedule that is none',
      { ...least, schedule: { type: 'step' } },
      'schedule.type is "step"; expected "constant" or "cosine"',
    ],
    ['a flag that is none', { ...least, ema: { warmup: 1 } }, 'ema.warmup is 1; expected true or false'],
    [
      'a width that is none',
      { ...least, ema: { sigma_rel: 0.3 } },
      'ema.sigma_rel is 0.3; expected a number above 0 and below 0.288, or null',
    ],
    [
      'a size of one number',
      { ...least, data: { size: [16] } },
      'data.size is [16]; expected a list of 2, each a whole number',
    ],
    ['a name that is none', { ...least, data: { images: '' } }, 'data.images is ""; expected a name'],
    ['no labels', { ...least, samples: { labels: [] } }, 'samples.labels is []; expected a list of one or more'],
    ['null where there is none', { ...least, seeds: { weights: null } }, 'seeds.weights is null; expected a whole'],
  ])('refuses %s', (_what, json, message) => {
    const parse = (): unknown => parseTrainingConfig(json as never, 'mine.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
  });

  it('has all of its keys in its help', () => {
    const text = configHelp().join('\n');
    for (const [section, keys] of Object.entries(sections))
      for (const key of Object.keys(keys)) expect(text).toContain(`  ${section}.${key} `);
    expect(text).toMatch(/optimiser\.beta2 +.* \(0\.999\)/);
  });
});
