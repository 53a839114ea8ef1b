/** Ten steps of a training against ten steps of PyTorch: losses, gradients, averaged weights. */
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, type DType } from '../../src/tensor/tensor.ts';
import { parseTrainingConfig } from '../../src/training/config.ts';
import { readReplay } from '../../src/training/replay.ts';
import { initialState, trainingStep } from '../../src/training/step.ts';
import { createTraining, type Training } from '../../src/training/training.ts';
import { disagreement, goldenNames, goldenOf } from '../agreement.ts';
import { loadFixtureModel, metadataOf, openGoldens } from '../goldens.ts';

const file = openGoldens('training/steps.safetensors');
const folder = await loadFixtureModel('goldens/runs/conditional');

/** What scripts/goldens/training.py chose. */
interface Run {
  readonly prediction?: string;
  readonly min_snr?: boolean;
  readonly weight_decay?: number;
  readonly clip?: number | null;
  readonly warmup?: number;
  readonly betas?: readonly [number, number];
  readonly ema?: number;
  readonly scheduler?: Config;
}

function trainingOf(run: Run, dtype: DType): Training {
  const [beta1, beta2] = run.betas ?? [0.9, 0.999];
  const config = parseTrainingConfig({
    model: 'runs/conditional',
    steps: 20,
    optimiser: {
      learning_rate: 5e-3,
      beta1,
      beta2,
      weight_decay: run.weight_decay ?? 0.01,
      max_grad_norm: run.clip === null ? null : (run.clip ?? 1),
    },
    schedule: { warmup_steps: run.warmup ?? 0 },
    loss: { min_snr_gamma: run.min_snr ? 5 : null },
    ema: { decay: run.ema ?? 0 },
  });
  const scheduler = { _class_name: 'DDPMScheduler', prediction_type: run.prediction ?? 'epsilon', ...run.scheduler };
  return createTraining(config, createUNet(folder.config, folder.weights, dtype), scheduler);
}

describe.each(['f32', 'f64'] as const)('ten steps in %s', (dtype) => {
  it.each(Object.entries(metadataOf<Record<string, Run>>(file, 'runs')))('are those of PyTorch: %s', (name, run) => {
    const training = trainingOf(run, dtype);
    const backend = referenceBackend();
    let state = initialState(training);
    const reports = readReplay(file, 1000).map((batch) => {
      const next = trainingStep(training, backend, state, batch);
      state = next.state;
      return next.report;
    });
    const asTensor = (numbers: readonly number[]) => cast(tensor('f64', [10], Float64Array.from(numbers)), dtype);
    const losses = reports.map(({ loss }) => loss);
    expect(disagreement(asTensor(losses), goldenOf(file, `${name}/losses`))).toBeUndefined();
    const norms = asTensor(reports.map(({ gradientNorm }) => gradientNorm));
    expect(disagreement(norms, goldenOf(file, `${name}/norms`))).toBeUndefined();
    goldenOf(file, `${name}/losses`).truth.data.forEach((truth, i) => {
      expect(Math.abs(losses[i] / truth - 1)).toBeLessThan(dtype === 'f32' ? 1e-5 : 1e-12);
    });
    const averages = goldenNames(file, `${name}/average.`);
    expect(averages).toHaveLength(5);
    for (const weight of averages) {
      const golden = goldenOf(file, `${name}/average.${weight}`);
      expect(disagreement(state.average.get(weight), golden), weight).toBeUndefined();
    }
  });
});
