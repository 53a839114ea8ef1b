/** Reading what a case computes. JSON has the names in snake_case, as Python and diffusers do. */
import { InputError } from '../tensor/errors.ts';
import { referenceKernels } from '../kernels/plain/index.ts';
import type { GuidanceSetting, Subject } from './case.ts';
import type { Fields } from './fields.ts';

const readers: Readonly<Record<Subject['kind'], (fields: Fields) => Subject>> = {
  operation: (fields) => ({
    kind: 'operation',
    operation: operationName(fields.text('operation')),
    probes: fields.objects('probes').map((probe) =>
      finished(probe, {
        name: probe.text('name'),
        tensors: probe.integer('tensors'),
        arguments: probe.list('arguments'),
      }),
    ),
  }),
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
    scheduler: fields.record('scheduler'),
    steps: fields.integer('steps'),
    eta: fields.number('eta'),
    guidance: setting(fields.object('guidance')),
    labels: fields.optionalNumbers('labels'),
    nullLabel: fields.optionalInteger('null_label'),
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
