/**
 * Every scheduler with the config of every other, as diffusers saves it after `X.from_config(Y.config)`: it loads and
 * draws what diffusers draws (scripts/goldens/folders.py), or is refused where diffusers refuses.
 */
import { describe, expect, it } from 'vitest';
import { concatChannels } from '../../src/kernels/plain/rearrange.ts';
import { add, divide, divideBy, mapElements, multiply, scale } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, schedulerDefaults, schedulerNames } from '../../src/schedulers/registry.ts';
import { disagreement, goldenNames, goldenOf } from '../agreement.ts';
import { metadataOf, openGoldens } from '../goldens.ts';
import { readGoldens } from '../tensor/goldens.ts';
import { last, to, walk } from './support.ts';

type Precision = 'f32' | 'f64';
const pairs = openGoldens('folders/pairs.safetensors');
const refused = metadataOf<readonly string[]>(pairs, 'refused');
const shared = metadataOf<Config>(pairs, 'shared');
const drawn = new Set(goldenNames(pairs));

const given = readGoldens('schedulers/given.safetensors').tensors;
const givenTensor = (name: string, dtype: Precision): Tensor => to(dtype, tensor('f32', [2, 2, 4, 4], given[name]));

/** a x + b/(1 + x²) + c/(1 + (t/500)²). */
function plainModel(x: Tensor, t: number): Tensor {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => givenTensor(name, x.dtype as Precision));
  const bump = divide(
    b,
    mapElements(multiply(x, x), (square) => 1 + square),
  );
  return add(add(multiply(a, x), bump), scale(c, 1 / (1 + (t / 500) ** 2)));
}

/** The same; with a variance behind it, where the config wants one. */
const modelFor =
  (config: Config) =>
  (x: Tensor, t: number): Tensor => {
    const output = plainModel(x, t);
    // A model of the score, as the class wants it.
    if (config['_class_name'] === 'ScoreSdeVeScheduler') return divideBy(output, -(1 + t ** 2));
    const learns = String(config['variance_type']).startsWith('learned');
    return learns ? concatChannels(output, givenTensor('variance', x.dtype as Precision)) : output;
  };

/** What Y's file says: the defaults of its class, with the settings that all share. */
function fullConfig(name: string): Config {
  const own = schedulerDefaults(name);
  return { ...own, ...Object.fromEntries(Object.entries(shared).filter(([key]) => Object.hasOwn(own, key))) };
}

/** What X's file says then: what Y's said, and X's defaults of what Y does not have. */
function exchanged(name: string, other: string): Config {
  return { ...schedulerDefaults(name), ...fullConfig(other), _class_name: name };
}

/** The first picture of the last sample. */
function draw(config: Config, dtype: Precision, steps = 5): Tensor {
  const scheduler = createScheduler(config, steps);
  let k = 0;
  const noise = (): Tensor => givenTensor(`noise.${k++}`, dtype);
  const sample = scale(givenTensor('sample', dtype), scheduler.initNoiseSigma);
  const { data } = last(walk(scheduler, { model: modelFor(config), sample, noise }));
  return tensor(dtype, [1, 2, 4, 4], data.slice(0, 32));
}

/** diffusers refuses DEIS's name of the algorithm in the classes of DPM-Solver, before it reads it as dpmsolver++. */
const readHere = ['DEISMultistepScheduler'];

/** What ends in NaN there is refused here, when it is created or at the latest by those who draw. */
function finiteOrRefused(config: Config): 'finite' | 'refused' {
  try {
    return draw(config, 'f32').data.every(Number.isFinite) ? 'finite' : 'refused';
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return 'refused';
  }
}

const known = schedulerNames.filter((name) => [...drawn].some((pair) => pair.startsWith(`${name}/`)));

it('there are pairs of all classes', () => {
  expect(known, 'name it in scripts/goldens/folders.py, and run make.py').toEqual(schedulerNames);
});

describe.each(known)('%s', (name) => {
  it.each(known.filter((other) => drawn.has(`${name}/${other}`)))('draws with the config of %s', (other) => {
    const config = exchanged(name, other);
    const golden = goldenOf(pairs, `${name}/${other}`);
    expect(disagreement(draw(config, 'f32'), golden), 'f32').toBeUndefined();
    expect(disagreement(draw(config, 'f64'), golden), 'f64').toBeUndefined();
  });

  it('refuses what diffusers refuses', () => {
    for (const other of known.filter((one) => refused.includes(`${name}/${one}`) && !readHere.includes(one)))
      expect(finiteOrRefused(exchanged(name, other)), other).toBe('refused');
  });
});

describe('configs that people have, and nulls', () => {
  const file = openGoldens('folders/settings.safetensors');
  const settings = Object.entries(metadataOf<Readonly<Record<string, Config>>>(file, 'settings'));
  it.each(settings)('%s draws what diffusers draws', (title, config) => {
    expect(createScheduler(config, 6).warnings).toEqual([]);
    for (const dtype of ['f32', 'f64'] as const)
      expect(disagreement(draw(config, dtype, 6), goldenOf(file, title)), dtype).toBeUndefined();
  });
});
