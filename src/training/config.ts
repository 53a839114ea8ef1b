/**
 * The config of a training, as a JSON file has it: a table of its keys, each with its default, what it may be, and what
 * it means. Reading, refusing, and the help of the command go by this table.
 */
import type { Json } from '../models/config-keys.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { widest } from './ema.ts';
import { flag, listOf, maybe, name, number, oneOf, required, whole, type Key } from './keys.ts';
import { scheduleTypes } from './learning-rate.ts';

/** Keys of the config that are objects themselves. */
export const sections = {
  data: {
    images: name('images', 'what the pictures are called in an .npz or safetensors file'),
    labels: maybe(name('labels', 'what their classes are called: [N] whole numbers; null leaves them out'), 'labels'),
    size: maybe(listOf(2, whole(1, 65_536)), null, '[height, width] to which bytes are resized; null: as they are'),
  },
  optimiser: {
    learning_rate: number(1e-3, { least: 0 }, 'γ of AdamW, before the schedule'),
    beta1: number(0.9, { least: 0, below: 1 }, 'how much of the mean gradient stays'),
    beta2: number(0.999, { least: 0, below: 1 }, 'how much of the mean square stays'),
    eps: number(1e-8, { above: 0 }, 'what is added to the root of the mean square'),
    weight_decay: number(0.01, { least: 0 }, 'λ: a weight loses γ λ of itself in a step'),
    max_grad_norm: maybe(number(1, { above: 0 }), 1, 'the most that all gradients measure together; null: any'),
  },
  schedule: {
    type: oneOf('cosine', scheduleTypes, 'how the learning rate runs behind its warm-up; cosine ends at 0'),
    warmup_steps: whole(0, 1e9, 0, 'steps in which it rises from 0'),
  },
  loss: {
    min_snr_gamma: maybe(number(5, { above: 0 }), null, 'γ of min-SNR weights, as 5; null: all count alike'),
  },
  ema: {
    decay: number(0.9999, { least: 0, below: 1 }, 'β of the average of the weights that is drawn with; 0: the weights'),
    warmup: flag(true, 'whether β grows as t/(9 + t) first'),
    sigma_rel: maybe(
      number(0.1, { above: 0, below: widest }),
      null,
      "the width of EDM2's average, as 0.1, in place of both",
    ),
  },
  batch: {
    size: whole(1, 65_536, 16, 'pictures of a step'),
    label_dropout: number(0, { least: 0, most: 1 }, 'how often a picture is shown as of no class'),
    null_label: maybe(whole(0, 65_536), null, 'the label of no class; null: the last, where any are dropped'),
    offset_noise: number(0, { least: 0 }, 'how much noise all pixels of a channel share'),
    stratified: flag(true, 'whether the timesteps of a batch are spread evenly'),
  },
  seeds: {
    weights: whole(0, 2 ** 53 - 1, 0, 'of the first weights, as torch.manual_seed has them'),
    batches: whole(0, 2 ** 53 - 1, 0, 'of the order of pictures, timesteps, noise and dropped labels'),
  },
  samples: {
    every: whole(0, 1e9, 0, 'steps between pictures that are drawn; 0: only at the end'),
    count: whole(1, 1000, 16, 'how many'),
    labels: maybe(listOf(undefined, whole(0, 65_536)), null, 'their classes, repeated as needed; null: all in order'),
    steps: whole(1, 1000, 20, 'of DDIM'),
    seed: whole(0, 2 ** 53 - 1, 0, 'of their noise'),
  },
  checkpoints: {
    every: whole(1, 1e9, 100, 'steps between checkpoints, of which the last one is kept'),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Key<unknown>>>>>;

/** How many steps a training has. */
export const stepsKey: Key<number> = required(whole(1, 1e9), 'how many steps the training has');

/** The table of keys, by section. */
export type TrainingSections = typeof sections;
/** What a key of the table may hold. */
export type ValueOfKey<K> = K extends Key<infer T> ? T : never;

/** A config that has been read and checked. */
export type TrainingConfig = {
  readonly [S in keyof TrainingSections]: {
    readonly [K in keyof TrainingSections[S]]: ValueOfKey<TrainingSections[S][K]>;
  };
} & {
  readonly steps: number;
  /** The config of a UNet2DModel, or the folder of a model to begin with. */
  readonly model: Json | string;
  /** Of DDPMScheduler or another one of whole timesteps; undefined: that of the model's folder, or DDPM's defaults. */
  readonly scheduler: Json | undefined;
};

const others = ['model', 'scheduler', 'steps'];

/**
 * Reads the parsed config of a training.
 * @param source the file's name, for messages
 * @throws InputError naming the key, what was found, and what it may be
 */
export function parseTrainingConfig(json: Json, source = 'the config'): TrainingConfig {
  if (!isObject(json)) throw new InputError(`${source} is ${shown(json)}; expected an object of keys`);
  const known = [...others, ...Object.keys(sections)];
  refuseUnknown(json, known, source, 'the config');
  const { model, scheduler } = json;
  if (typeof model !== 'string' && !isObject(model)) {
    const found = model === undefined ? 'missing' : shown(model);
    throw new InputError(
      `${source}: model is ${found}; expected the config of a UNet2DModel (of a UNet2DClassifierModel for ` +
        'a classifier), or the folder of a model',
    );
  }
  if (scheduler !== undefined && !isObject(scheduler))
    throw new InputError(`${source}: scheduler is ${shown(scheduler)}; expected a scheduler_config.json's object`);
  const read = Object.entries(sections).map(([section, keys]) => [section, readSection(json, section, keys, source)]);
  // The table gives each section its keys, which TypeScript does not follow through entries.
  const values = Object.fromEntries(read) as Omit<TrainingConfig, 'model' | 'scheduler' | 'steps'>;
  return { ...values, model, scheduler, steps: stepsKey.read(json.steps, `${source}: steps`) };
}

function readSection(
  json: Json,
  section: string,
  keys: Readonly<Record<string, Key<unknown>>>,
  source: string,
): Readonly<Record<string, unknown>> {
  const given = json[section] === undefined ? {} : json[section];
  if (!isObject(given)) throw new InputError(`${source}: ${section} is ${shown(given)}; expected an object of keys`);
  refuseUnknown(given, Object.keys(keys), source, section);
  return Object.fromEntries(
    Object.entries(keys).map(([key, { read }]) => [key, read(given[key], `${source}: ${section}.${key}`)]),
  );
}

function refuseUnknown(given: Json, known: readonly string[], source: string, owner: string): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key) && !key.startsWith('_'));
  if (unknown !== undefined)
    throw new InputError(`${source}: ${owner} has no key ${JSON.stringify(unknown)}; it has ${known.join(', ')}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** All keys of the config with what they mean and their defaults, a line each, for the help of a command. */
export function configHelp(): readonly string[] {
  const line = (key: string, what: string): string => `  ${key.padEnd(24)} ${what}`;
  const ofKey = (key: string, { what, fallback }: Key<unknown>): string =>
    line(key, fallback === undefined ? what : `${what} (${JSON.stringify(fallback)})`);
  return [
    line('model', "a UNet2DModel's config.json, or the folder of a model to begin with"),
    line('scheduler', "a scheduler_config.json: noise and prediction_type (the folder's, or DDPMScheduler's)"),
    ofKey('steps', stepsKey),
    ...Object.entries(sections).flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, row]) => ofKey(`${section}.${key}`, row)),
    ),
  ];
}
