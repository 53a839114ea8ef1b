/**
 * The training of a classifier: it learns, goes on from its checkpoint with the very bits, and refuses what it cannot.
 */
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { parseUNetClassifierConfig } from '../../src/models/unet2d-classifier/config.ts';
import { createUNetClassifier, initialClassifierWeights } from '../../src/models/unet2d-classifier/unet-classifier.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { batchAt, batchOptionsOf } from '../../src/training/batches.ts';
import { checkpointBytes, readCheckpoint, type Checkpoint } from '../../src/training/checkpoint.ts';
import { parseTrainingConfig } from '../../src/training/config.ts';
import { checkPictures } from '../../src/training/pictures.ts';
import { initialState, trainingStep } from '../../src/training/step.ts';
import { createClassifierTraining } from '../../src/training/training.ts';
import { smallConfig } from '../models/unet2d-classifier/models.ts';

const json = { model: smallConfig, steps: 30, optimiser: { learning_rate: 0.02 }, batch: { size: 4 } };
const config = parseTrainingConfig(json);
const classes = parseUNetClassifierConfig(smallConfig);
const model = createUNetClassifier(classes, initialClassifierWeights(classes, manualSeed(0)));
/** Of little noise, so that pictures can be told apart. */
const training = createClassifierTraining(config, model, { _class_name: 'DDPMScheduler', beta_end: 0.0002 });
/** Five pictures: what is bright in each is its class. */
const pictures = {
  shape: [5, 1, 4, 4],
  data: Uint8Array.from({ length: 80 }, (_, i) => (i % 16 < 3 * (1 + Math.floor(i / 16)) ? 255 : 0)),
  labels: [0, 1, 2, 3, 4],
};
const backend = referenceBackend();

function advanced({ state, reports }: Checkpoint, steps: number): Checkpoint {
  if (steps === 0) return { state, reports };
  const batch = batchAt(pictures, batchOptionsOf(config, training.learns), 1000, 0, state.step);
  const next = trainingStep(training, backend, state, batch, steps % 2 === 0);
  return advanced({ state: next.state, reports: [...reports, next.report] }, steps - 1);
}

const begin = { state: initialState(training), reports: [] };

describe('the training of a classifier', () => {
  it('learns: from a loss of about log 5, that of whoever guesses', () => {
    const losses = advanced(begin, 30).reports.map(({ loss }) => loss);
    expect(losses[0]).toBeGreaterThan(1);
    const last = losses.slice(-10).reduce((sum, loss) => sum + loss / 10, 0);
    expect(last).toBeLessThan(0.75 * losses[0]);
  });

  it('goes on from a checkpoint with the bits of one that was not stopped', () => {
    const bytes = checkpointBytes(advanced(begin, 2), { steps: 30 });
    const read = readCheckpoint(parseSafetensors(bytes, 'checkpoint'), begin.state, { steps: 30 });
    expect(checkpointBytes(advanced(read, 2), {})).toEqual(checkpointBytes(advanced(begin, 4), {}));
  });

  it('wants the classes of its pictures, as many as it knows', () => {
    const check = (labels?: readonly number[]) =>
      checkPictures({ ...pictures, ...{ labels } } as typeof pictures, training.learns, undefined, 'data');
    expect(() => check(pictures.labels)).not.toThrow();
    expect(() => check()).toThrow('the pictures have no labels');
    expect(() => check([0, 1, 2, 3, 5])).toThrow('picture 4 has the label 5');
  });

  it.each([
    [{ batch: { label_dropout: 0.1 } }, 'batch.label_dropout'],
    [{ batch: { null_label: 3 } }, 'batch.null_label'],
    [{ loss: { min_snr_gamma: 5 } }, 'loss.min_snr_gamma'],
    [{ samples: { every: 5 } }, 'samples.every'],
  ])('refuses %j, which means nothing there', (change, key) => {
    const other = parseTrainingConfig({ ...json, ...change });
    expect(() => createClassifierTraining(other, model)).toThrow(`${key}, which a classifier has no use for`);
  });
});
