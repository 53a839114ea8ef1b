/**
 * What a config says when a key is null or of the wrong kind: the table that scripts/goldens/configs.py made by running
 * diffusers over every key of every class. A null means here what it means there. A value of the wrong kind means what
 * it means there, or is refused, but never anything else.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, schedulerDefaults, schedulerNames } from '../../src/schedulers/registry.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { fixture } from '../goldens.ts';

type Meaning = 'missing' | 'refused' | 'other' | { readonly as: unknown };
interface Table {
  readonly steps: number;
  readonly contexts: Readonly<Record<string, Config & { readonly mu?: number }>>;
  readonly classes: Readonly<
    Record<
      string,
      {
        readonly compatible: readonly string[];
        readonly keys: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Meaning>>>>>>;
      }
    >
  >;
}
const { steps, contexts, classes } = JSON.parse(
  readFileSync(fixture('goldens/configs/schedulers.json'), 'utf8'),
) as Table;

/** The samples of a run; or the InputError that its config brings. */
function draw(config: Config, mu?: number): readonly number[] | InputError {
  try {
    const scheduler = createScheduler(config, steps, mu === undefined ? {} : { mu });
    const { randn } = manualSeed(7);
    const noise = (shape: readonly number[]): Tensor => tensor('f64', shape, Float64Array.from(randn(shape).data));
    let sample = tensor(
      'f64',
      [1, 1, 2, 2],
      Float64Array.from([2.5, -3.2, 1.7, 0.1], (x) => x * scheduler.initNoiseSigma),
    );
    let state = scheduler.start;
    scheduler.timesteps.forEach((t, index) => {
      const { data, shape } = scheduler.scaleModelInput(sample, index);
      const output = tensor(
        'f64',
        shape,
        Float64Array.from(data, (x) => 0.7 * Math.sin(x) + 0.02 * x + t / 5000),
      );
      ({ sample, state } = scheduler.step(state, { index, modelOutput: output, sample, noise }));
    });
    return [...sample.data];
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

/** What diffusers said of the keys of a class. */
function tableOf(name: string): Table['classes'][string] {
  const table = classes[name];
  expect(table, `there is no table of ${name}: name it in scripts/goldens/configs.py, and run make.py`).toBeDefined();
  return table;
}

interface Row {
  readonly key: string;
  readonly context: string;
  readonly value: unknown;
  readonly meaning: Meaning;
}

function rowsOf(name: string): readonly Row[] {
  return Object.entries(tableOf(name).keys).flatMap(([key, inContexts]) =>
    Object.entries(inContexts).flatMap(([context, values]) =>
      Object.entries(values).map(([value, meaning]) => ({
        key,
        context,
        value: JSON.parse(value) as unknown,
        meaning,
      })),
    ),
  );
}

/** The config with a key as a meaning says it; no bound is one that nothing reaches. */
function asMeant(config: Config, key: string, meaning: Meaning): Config {
  if (typeof meaning === 'string') return config;
  return { ...config, [key]: meaning.as === 'Infinity' ? 1e30 : meaning.as };
}

/** What ours makes of a row that the table says otherwise of; undefined where they agree. */
function difference(name: string, { key, context, value, meaning }: Row): string | undefined {
  const { mu, ...config } = contexts[context];
  const plain = { _class_name: name, ...config };
  const ours = draw({ ...plain, [key]: value }, mu);
  const where = `${key} = ${JSON.stringify(value)} (${context})`;
  if (ours instanceof InputError) {
    const mayRefuse = meaning === 'refused' || value !== null;
    if (mayRefuse || draw(asMeant(plain, key, meaning), mu) instanceof InputError) return undefined;
    return `${where} is refused: ${ours.message}`;
  }
  if (meaning === 'refused' || meaning === 'other') return `${where} is read, but there it is ${meaning}`;
  const theirs = asMeant(plain, key, meaning);
  return String(ours) === String(draw(theirs, mu)) ? undefined : `${where} is not read as ${JSON.stringify(meaning)}`;
}

it('there is a table for every class', () => {
  const missing = schedulerNames.filter((name) => !Object.hasOwn(classes, name));
  expect(missing, 'name it in scripts/goldens/configs.py, and run make.py').toEqual([]);
});

const notRun = ['ScoreSdeVeScheduler', 'CosineDPMSolverMultistepScheduler', 'DPMSolverSDEScheduler'];

describe.each(schedulerNames)('%s', (name) => {
  it('reads null as diffusers does, and what is of the wrong kind likewise or not at all', () => {
    const rows = rowsOf(name);
    // Of some classes only the keys are listed: scripts/goldens/configs.py.
    if (!notRun.includes(name)) expect(rows.length).toBeGreaterThanOrEqual(10);
    expect(rows.map((row) => difference(name, row)).filter((wrong) => wrong !== undefined)).toEqual([]);
  });

  it('has the keys that it has there', () => {
    expect(Object.keys(schedulerDefaults(name)).sort()).toEqual(Object.keys(tableOf(name).keys).sort());
  });

  it('says nothing of the keys of classes that it is exchangeable with, and names all others', () => {
    const others = [...new Set(Object.values(classes).flatMap(({ keys }) => Object.keys(keys)))];
    const foreign = others.filter((key) => !Object.hasOwn(tableOf(name).keys, key));
    const named = foreign.filter((key) => {
      const { warnings } = createScheduler({ _class_name: name, [key]: 1 }, 10);
      return warnings?.some((line) => line.includes(`${name} has no key "${key}"`));
    });
    expect(named).toEqual(foreign.filter((key) => !tableOf(name).compatible.includes(key)));
  });
});
