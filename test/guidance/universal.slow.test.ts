/** Universal guidance: three steps of the letters model against PyTorch. */
import { afterAll, describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/evaluation/classifier.ts';
import { letterSlope } from '../../src/evaluation/letter-slope.ts';
import { readNumbers, readTensor } from '../../src/formats/safetensors.ts';
import { universalPag } from '../../src/guidance/classifier.ts';
import { throughModel } from '../../src/guidance/original-slope.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { modelSlope } from '../../src/models/slope.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { classifierWeights } from '../evaluation/goldens.ts';
import { metadataOf, openGoldens } from '../goldens.ts';
import { dtypesOfLarge } from '../thorough.ts';
import { lettersUNet } from './letters.ts';

const backends = { f32: simdBackend(), f64: referenceBackend() };
afterAll(() => backends.f32.dispose());

const letters = (dtype: DType) =>
  createClassifier(new Map([...classifierWeights()].map(([name, weight]) => [name, cast(weight, dtype)])));

/** The settings of a run, as scripts/goldens/universal.py has them. */
interface Run {
  readonly scheduler: string;
  readonly scale: number;
  readonly steps: number;
  readonly pag_scale: number;
  readonly layer: string;
}

describe.each(['ddim', 'euler-pag'])('%s', (name) => {
  it.each(dtypesOfLarge)('goes the steps of PyTorch, %s', (dtype) => {
    const file = openGoldens(`universal/${name}.safetensors`);
    const run = metadataOf<Run>(file, 'run');
    const [labels, conditions] = ['labels', 'conditions'].map((key) => readNumbers(file, key).numbers);
    const [unet, backend] = [lettersUNet(dtype), backends[dtype]];
    const through = throughModel(
      modelSlope(unet, backend, { classLabels: conditions }),
      letterSlope(letters(dtype), backend, labels),
    );
    const slopes: Tensor[] = [];
    const slopeAt: typeof through = (step) => {
      slopes.push(through(step));
      return slopes.at(-1) as Tensor;
    };
    const options = { classifierScale: run.scale, slopeAt };
    const steps = sampleSteps({
      denoiser: unetDenoiser(unet, backend, { labels: conditions }),
      guidance: universalPag(options, { pagScale: run.pag_scale, layers: [run.layer] }),
      scheduler: createScheduler(
        { _class_name: run.scheduler, clip_sample: false, timestep_spacing: 'leading' },
        run.steps,
      ),
      noise: cast(readTensor(file, 'noise'), dtype),
      noiseSource: manualSeed(0).randn,
    });
    // In double precision the way back takes seconds a step: there one is enough.
    const wanted = dtype === 'f32' ? run.steps : 1;
    const samples: Tensor[] = [];
    for (const { sample } of steps) if (samples.push(sample) === wanted) break;
    expect(disagreement(slopes[0] as Tensor, goldenOf(file, 'slope')), 'the slope').toBeUndefined();
    expect(samples).toHaveLength(wanted);
    samples.forEach((sample, i) =>
      expect(disagreement(sample, goldenOf(file, `step.${i}.sample`)), `step ${i}`).toBeUndefined(),
    );
  });
});
