/** Posterior sampling in latents against PyTorch, every step; that no weight is no move; and what it refuses. */
import { afterAll, describe, expect, it } from 'vitest';
import { folderReader } from '../../src/formats/node-files.ts';
import { readTensor, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { latentSlopes } from '../../src/pipelines/latent-slopes.ts';
import { loadStableDiffusion, type StableDiffusion } from '../../src/pipelines/stable-diffusion.ts';
import type { Measurement } from '../../src/restoration/measurement.ts';
import { everything, inpainting, motionBlur, superResolution } from '../../src/restoration/measurements.ts';
import { restoringLatents, type LatentProblem, type LatentSlopes } from '../../src/restoration/psld.ts';
import { denoiserOf } from '../../src/sampling/denoiser.ts';
import { sampleSteps } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { addScaled, scale, dot, subtract } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { zeros, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture, metadataOf, openGoldens } from '../goldens.ts';
import { dtypesOfLarge } from '../thorough.ts';

/** The settings of a run, as scripts/goldens/psld.py has them. */
interface Run {
  readonly scheduler: string;
  readonly weight: number;
  readonly gluing: number;
  readonly steps: number;
  readonly layer: string;
  readonly pag_scale?: number;
  readonly length?: number;
}

const backends = { f32: simdBackend(), f64: referenceBackend() };
afterAll(() => backends.f32.dispose());
const folder = fixture('letters-text/model');
const pipelineIn = async (dtype: DType): Promise<StableDiffusion> =>
  loadStableDiffusion(await folderReader(folder), folder, dtype);

const tasks: Readonly<Record<string, (run: Run, file: SafetensorsFile) => Measurement>> = {
  sr4: () => superResolution(4),
  inpaint: (_run, file) => inpainting('inpaint', readTensor(file, 'hidden')),
  'motion-blur': ({ length = 0 }) => motionBlur(length),
};

describe.each(Object.entries(tasks))('%s', (name, of) => {
  it.each(dtypesOfLarge)('goes the steps of PyTorch, %s', async (dtype) => {
    const file = openGoldens(`psld/${name}.safetensors`);
    const run = metadataOf<Run>(file, 'run');
    const given = (key: string): Tensor => cast(readTensor(file, key), dtype);
    const pipeline = await pipelineIn(dtype);
    const condition = { encoderHiddenStates: given('text') };
    const problem = { measurement: of(run, file), measured: given('measured'), weight: run.weight, gluing: run.gluing };
    const plain = createScheduler({ _class_name: run.scheduler, clip_sample: false }, run.steps);
    const slopes = latentSlopes(pipeline, backends[dtype], condition);
    let index = 0;
    for (const { sample } of sampleSteps({
      denoiser: denoiserOf({ main: pipeline.unet }, backends[dtype], { given: condition }),
      guidance: run.pag_scale === undefined ? none : pag({ pagScale: run.pag_scale, layers: [run.layer] }),
      scheduler: restoringLatents(plain, problem, slopes, given('noise'), [2, 1, 16, 16]),
      noise: given('noise'),
      noiseSource: () => given(`step.${index}.noise`),
    })) {
      expect(disagreement(sample, goldenOf(file, `step.${index}.sample`)), `step ${index}`).toBeUndefined();
      index++;
    }
    expect(index).toBe(run.steps);
  });
});

describe('the ways between pictures and latents', () => {
  it('go back along their slopes: Jᵀ is the transpose of what a small move does', async () => {
    const { decode, encode } = latentSlopes(await pipelineIn('f64'), backends.f64, {});
    const { randn } = manualSeed(4);
    const expectSlope = (way: LatentSlopes['decode'], shape: readonly number[]): void => {
      const [x, move] = [randn(shape, 'f64'), randn(shape, 'f64')];
      const { prediction, transposed } = way(x);
      const along = randn(prediction.shape, 'f64');
      const [ahead, behind] = [1, -1].map((h) => way(addScaled(x, h * 1e-5, move)).prediction);
      const moved = scale(subtract(ahead!, behind!), 0.5e5);
      expect(dot(transposed(along), move)[0]! / dot(along, moved)[0]!).toBeCloseTo(1, 6);
    };
    expectSlope(decode, [1, 4, 4, 4]);
    expectSlope(encode, [1, 1, 8, 8]);
  });
});

describe('restoringLatents', () => {
  const noise = zeros('f32', [1, 4, 4, 4]);
  const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 3);
  const idle = (): never => {
    throw new Error('asked for');
  };
  const slopes: LatentSlopes = { predict: idle, decode: idle, encode: idle };
  const problem: LatentProblem = {
    measurement: everything,
    measured: zeros('f32', [1, 1, 8, 8]),
    weight: 1,
    gluing: 0,
  };
  const make = (changed: Partial<LatentProblem> = {}, of = scheduler) =>
    restoringLatents(of, { ...problem, ...changed }, slopes, noise, [1, 1, 8, 8]);

  it('with no weight is the scheduler itself', () => {
    expect(make({ weight: 0 })).toBe(scheduler);
  });

  it.each<[string, () => unknown, string]>([
    ['another scheduler', () => make({}, createScheduler({ _class_name: 'EulerDiscreteScheduler' }, 3)), 'goes with'],
    ['what was measured of other pictures', () => make({ measured: zeros('f32', [1, 1, 4, 4]) }), '[1, 1, 8, 8]'],
    ['another precision', () => make({ measured: zeros('f64', [1, 1, 8, 8]) }), 'in f64'],
    ['a negative weight of gluing', () => make({ gluing: -1 }), 'gluing is -1'],
  ])('refuses %s', (_what, run, message) => {
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});
