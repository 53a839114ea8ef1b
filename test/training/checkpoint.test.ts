/** A training goes on from its checkpoint with the very bits, and only from its own. */
import { describe, expect, it } from 'vitest';
import { parseSafetensors, readTensor, readTensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { initialWeights } from '../../src/models/unet2d/initialise.ts';
import { parseUNetConfig } from '../../src/models/unet2d/config.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { batchAt, batchOptionsOf } from '../../src/training/batches.ts';
import { checkpointBytes, readCheckpoint, type Checkpoint } from '../../src/training/checkpoint.ts';
import { parseTrainingConfig } from '../../src/training/config.ts';
import { initialState, trainingStep } from '../../src/training/step.ts';
import { createTraining } from '../../src/training/training.ts';
import { smallConfig } from '../models/unet2d/models.ts';

const unetConfig = parseUNetConfig(smallConfig);
const config = parseTrainingConfig({
  model: smallConfig,
  steps: 4,
  batch: { size: 2, label_dropout: 0.5 },
  ema: { sigma_rel: 0.1 },
});
const training = createTraining(config, createUNet(unetConfig, initialWeights(unetConfig, manualSeed(0))));
const settings = { ...config, '--dtype': 'f32' };
const pictures = { shape: [3, 1, 8, 8], data: new Uint8Array(192).map((_, i) => i), labels: [0, 1, 2] };
const options = batchOptionsOf(config, unetConfig);
const backend = referenceBackend();

function advanced({ state, reports }: Checkpoint, steps: number): Checkpoint {
  if (steps === 0) return { state, reports };
  const batch = batchAt(pictures, options, 1000, 0, state.step);
  const next = trainingStep(training, backend, state, batch);
  return advanced({ state: next.state, reports: [...reports, next.report] }, steps - 1);
}

const begin = { state: initialState(training), reports: [] };
const bytesOf = (checkpoint: Checkpoint): Uint8Array => checkpointBytes(checkpoint, settings);
const read = (bytes: Uint8Array, wanted: Readonly<Record<string, unknown>> = settings): Checkpoint =>
  readCheckpoint(parseSafetensors(bytes, 'checkpoint'), begin.state, wanted);

describe('a checkpoint', () => {
  const whole = advanced(begin, 4);

  it.each([0, 1, 2, 3])('after %i steps leads to the bits of the training that was not stopped', (steps) => {
    const resumed = advanced(read(bytesOf(advanced(begin, steps))), 4 - steps);
    expect(bytesOf(resumed)).toEqual(bytesOf(whole));
  });

  it('moves all that is learned, the average behind the weights, and not what it began with', () => {
    const { weights, average } = whole.state;
    for (const [name, { data }] of weights) {
      expect(data, name).not.toEqual(begin.state.weights.get(name)?.data);
      expect(data, name).not.toEqual(average.get(name)?.data);
    }
    expect(bytesOf({ state: initialState(training), reports: [] })).toEqual(bytesOf(begin));
  });

  it.each<[string, object, string]>([
    ['another value', { optimiser: { ...config.optimiser, beta1: 0.5 } }, 'whose optimiser.beta1 is 0.9, not 0.5'],
    ['another length', { steps: 5 }, 'whose steps is 4, not 5'],
    ['a key more', { extra: true }, 'whose extra is not set, not true'],
    ['another precision', { '--dtype': 'f64' }, 'whose --dtype is "f32", not "f64"'],
    ['a model of another kind', { model: { ...smallConfig, act_fn: 'relu' } }, 'model.act_fn'],
  ])('is refused for %s', (_what, changed, message) => {
    expect(() => read(bytesOf(whole), { ...settings, ...changed })).toThrow(message);
  });

  it('is refused when it is none, or damaged', () => {
    expect(() => read(writeSafetensors({}))).toThrow('checkpoint is no checkpoint of a training');
    const bytes = bytesOf(whole);
    expect(() => read(bytes.subarray(0, bytes.length - 1))).toThrow('is the file truncated?');
    const metadata = { training: JSON.stringify(settings), step: '4' };
    expect(() => read(writeSafetensors({}, metadata))).toThrow('there is no tensor');
    expect(() => read(writeSafetensors({}, { ...metadata, step: 'four' }))).toThrow('is no checkpoint');
    const file = parseSafetensors(bytes, 'checkpoint');
    const tensors = Object.fromEntries(readTensors(file));
    const name = 'weights.conv_in.bias';
    const wider = { ...tensors, [name]: cast(readTensor(file, name), 'f64') };
    expect(() => read(writeSafetensors(wider, file.metadata))).toThrow(
      /"weights\.conv_in\.bias" is .* in f64; expected .* in f32/,
    );
  });
});

describe('a step', () => {
  const wildAt = (learning_rate: number): typeof training => ({
    ...training,
    config: parseTrainingConfig({ model: smallConfig, steps: 3, optimiser: { learning_rate, max_grad_norm: null } }),
  });
  const batch = batchAt(pictures, options, 1000, 0, 0);

  it('is refused when the loss is no number', () => {
    const wild = wildAt(1e30);
    const one = trainingStep(wild, backend, begin.state, batch);
    expect(() => trainingStep(wild, backend, one.state, batch)).toThrow(/lower optimiser.learning_rate|finite numbers/);
  });

  it('is refused when a weight is no number, before a model of it is written', () => {
    const run = (): unknown => trainingStep(wildAt(1e39), backend, begin.state, batch);
    expect(run).toThrow(/^step 1: \S+ holds -?Infinity; lower optimiser.learning_rate/);
  });

  it('takes its model in f32 or f64, and noise at whole timesteps', () => {
    const weights = initialWeights(unetConfig, manualSeed(0));
    expect(() => createTraining(config, createUNet(unetConfig, weights, 'bf16'))).toThrow('the model is in bf16');
    const { model } = training;
    expect(() => createTraining({} as never, model)).toThrow('the config is {}; it must be what parseTrainingConfig');
    expect(() => createTraining(config, {} as never)).toThrow('the model is {}; it must be a model');
    expect(() => createTraining(config, model, { _class_name: 'EDMEulerScheduler' })).toThrow('another kind of models');
    expect(createTraining(config, model, { _class_name: 'HeunDiscreteScheduler' }).noiseSchedule.betas[0]).toBeCloseTo(
      0.00085,
    );
    const flow = { _class_name: 'UniPCMultistepScheduler', prediction_type: 'flow_prediction', use_flow_sigmas: true };
    expect(() => createTraining(config, model, flow)).toThrow('supported is epsilon, sample, v_prediction');
  });
});
