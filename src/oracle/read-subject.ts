/** Reading what a case computes. JSON has the names in snake_case, as Python and diffusers do. */
import { InputError } from '../tensor/errors.ts';
import { referenceKernels } from '../kernels/plain/index.ts';
import {
  stageFamilies,
  type GuidanceSetting,
  type OperationSubject,
  type Probe,
  type RunSetting,
  type Subject,
  type ToldSizes,
} from './case.ts';
import type { Fields } from './fields.ts';

const readers: Readonly<Record<Subject['kind'], (fields: Fields) => Subject>> = {
  operation: (fields) => ({ kind: 'operation', ...probed(fields) }),
  embedding: (fields) => ({
    kind: 'embedding',
    probes: fields.objects('probes').map((probe) =>
      finished(probe, {
        name: probe.text('name'),
        timesteps: probe.numbers('timesteps'),
        size: probe.integer('size'),
        flipSinToCos: probe.flag('flip_sin_to_cos'),
        freqShift: probe.number('freq_shift'),
      }),
    ),
  }),
  stages: (fields) => ({
    kind: 'stages',
    family: oneOf(fields, 'family', fields.optionalText('family') ?? 'UNet2DModel', stageFamilies),
    config: fields.record('config'),
    stages: fields.texts('stages'),
    perturbed: fields.flag('perturbed'),
  }),
  unet: (fields) => ({
    kind: 'unet',
    config: fields.record('config'),
    timesteps: fields.numbers('timesteps'),
    labels: fields.optionalNumbers('labels'),
    perturbed: fields.texts('perturbed'),
  }),
  'unet-condition': (fields) => ({
    kind: 'unet-condition',
    config: fields.record('config'),
    timesteps: fields.numbers('timesteps'),
    perturbed: fields.texts('perturbed'),
  }),
  'text-encoder': (fields) => ({
    kind: 'text-encoder',
    config: fields.record('config'),
    inputIds: fields.rows('input_ids'),
  }),
  autoencoder: (fields) => ({
    kind: 'autoencoder',
    config: fields.record('config'),
    way: oneOf(fields, 'way', fields.text('way'), ['encode', 'decode']),
  }),
  scheduler: (fields) => ({
    kind: 'scheduler',
    scheduler: fields.record('scheduler'),
    steps: fields.integer('steps'),
    eta: fields.number('eta'),
    noisedAt: fields.integer('noised_at'),
  }),
  guidance: (fields) => ({
    kind: 'guidance',
    guidance: setting(fields.object('guidance')),
    timestep: fields.number('timestep'),
  }),
  run: (fields) => ({
    kind: 'run',
    config: fields.record('config'),
    ...drawing(fields),
    labels: fields.optionalNumbers('labels'),
    nullLabel: fields.optionalInteger('null_label'),
  }),
  'text-to-image': (fields) => ({
    kind: 'text-to-image',
    textEncoders: fields.objects('text_encoders').map((encoder) =>
      finished(encoder, {
        config: encoder.record('config'),
        inputIds: encoder.rows('input_ids'),
        negativeInputIds: encoder.rows('negative_input_ids'),
      }),
    ),
    hiddenState: oneOf(fields, 'hidden_state', fields.text('hidden_state'), ['last', 'penultimate']),
    zeroNegative: fields.flag('zero_negative'),
    sizes: fields.isNull('sizes') ? undefined : toldSizes(fields.object('sizes')),
    unet: fields.record('unet'),
    vae: fields.record('vae'),
    ...drawing(fields),
  }),
  derivative: (fields) => ({ kind: 'derivative', ...probed(fields) }),
  gradient: (fields) => ({
    kind: 'gradient',
    config: fields.record('config'),
    timesteps: fields.numbers('timesteps'),
    labels: fields.optionalNumbers('labels'),
  }),
  optimiser: (fields) => ({
    kind: 'optimiser',
    parameters: fields.texts('parameters'),
    steps: fields.integer('steps'),
    learningRate: fields.number('learning_rate'),
    beta1: fields.number('beta1'),
    beta2: fields.number('beta2'),
    eps: fields.number('eps'),
    weightDecay: fields.number('weight_decay'),
    maxGradNorm: fields.number('max_grad_norm'),
    emaDecay: fields.number('ema_decay'),
  }),
};

/** @throws InputError naming the key that is wrong, missing or unknown */
export function readSubject(fields: Fields): Subject {
  const kind = fields.text('kind');
  const known = Object.keys(readers) as Subject['kind'][];
  const found = known.find((candidate) => candidate === kind);
  if (!found) throw new InputError(`the case is of kind "${kind}"; known are ${known.join(', ')}`);
  return finished(fields, readers[found](fields));
}

/** An operation, and what it is asked. */
function probed(fields: Fields): Pick<OperationSubject, 'operation' | 'probes'> {
  return { operation: operationName(fields.text('operation')), probes: fields.objects('probes').map(probeOf) };
}

/** How pictures or latents are drawn. */
function drawing(fields: Fields): RunSetting {
  return {
    scheduler: fields.record('scheduler'),
    steps: fields.integer('steps'),
    eta: fields.number('eta'),
    guidance: setting(fields.object('guidance')),
  };
}

function probeOf(probe: Fields): Probe {
  return finished(probe, {
    name: probe.text('name'),
    tensors: probe.integer('tensors'),
    arguments: probe.list('arguments'),
  });
}

function oneOf<T extends string>(fields: Fields, key: string, value: string, known: readonly T[]): T {
  return known.find((candidate) => candidate === value) ?? fields.refuse(key, known.join(', '));
}

function toldSizes(fields: Fields): ToldSizes {
  const pair = (key: string): readonly [number, number] => {
    const [height, width, ...more] = fields.numbers(key);
    if (height === undefined || width === undefined || more.length > 0) return fields.refuse(key, 'two numbers');
    return [height, width];
  };
  return finished(fields, { original: pair('original'), crop: pair('crop'), target: pair('target') });
}

function setting(fields: Fields): GuidanceSetting {
  return finished(fields, {
    guidanceScale: fields.number('guidance_scale'),
    pagScale: fields.number('pag_scale'),
    pagAdaptiveScale: fields.number('pag_adaptive_scale'),
    pagLayers: fields.texts('pag_layers'),
    guidanceRescale: fields.number('guidance_rescale'),
  });
}

function operationName(name: string): string {
  if (Object.hasOwn(referenceKernels, name)) return name;
  throw new InputError(`"${name}" is no operation; there are ${Object.keys(referenceKernels).join(', ')}`);
}

/** `value`, once all keys have been read. */
function finished<T>(fields: Fields, value: T): T {
  fields.finish();
  return value;
}
