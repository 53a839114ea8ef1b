/** Posterior sampling against PyTorch: autograd's gradients, diffusers' steps, every step of every task. */
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { readTensor, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { measure, measureBack, type Measurement } from '../../src/restoration/measurement.ts';
import {
  everything,
  gaussianBlur,
  inpainting,
  motionBlur,
  superResolution,
} from '../../src/restoration/measurements.ts';
import { restoring } from '../../src/restoration/posterior.ts';
import { modelSlope } from '../../src/models/slope.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps } from '../../src/sampling/sample.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { loadFixtureModel, metadataOf, openGoldens } from '../goldens.ts';

/** The settings of a run, as scripts/goldens/restoration.py has them. */
interface Run {
  readonly scheduler: Config;
  readonly weight: number;
  readonly steps: number;
  readonly labels: readonly number[];
  readonly layer: string;
  readonly eta?: number;
  readonly sigma?: number;
  readonly length?: number;
  readonly pag_scale?: number;
}

const tasks: Readonly<Record<string, (run: Run, file: SafetensorsFile) => Measurement>> = {
  denoise: () => everything,
  inpaint: (_run, file) => inpainting('inpaint', readTensor(file, 'hidden')),
  sr4: () => superResolution(4),
  'gaussian-blur': ({ sigma = 0 }) => gaussianBlur(sigma),
  'motion-blur': ({ length = 0 }) => motionBlur(length),
};

describe('goldens of posterior sampling', () => {
  const backends = { f32: simdBackend(), f64: referenceBackend() };
  afterAll(() => backends.f32.dispose());

  it('there are of every task', () => {
    const files = readdirSync('fixtures/goldens/restoration').filter((name) => name.endsWith('.safetensors'));
    const found = files.map((name) => name.replace('.safetensors', '')).sort();
    expect(found, 'add it to scripts/goldens/restoration.py').toEqual(Object.keys(tasks).sort());
  });

  it.each(
    Object.entries(tasks).flatMap(([name, of]) => (['f32', 'f64'] as const).map((dtype) => [name, dtype, of] as const)),
  )('%s in %s: what is measured, what is handed back, and every step', async (name, dtype, of) => {
    const file = openGoldens(`restoration/${name}.safetensors`);
    const run = metadataOf<Run>(file, 'run');
    const measurement = of(run, file);
    const given = (tensor: string): Tensor => cast(readTensor(file, tensor), dtype);
    const agrees = (what: string, ours: Tensor): void =>
      expect(disagreement(ours, goldenOf(file, what)), what).toBeUndefined();
    agrees('blank', measure(measurement, given('picture')));
    agrees('back', measureBack(measurement, given('measured'), [8, 8]));

    const { config, weights } = await loadFixtureModel('goldens/runs/conditional');
    const unet = createUNet(config, weights, dtype);
    const plain = createScheduler(run.scheduler, run.steps, { eta: run.eta ?? 0 });
    const slope = modelSlope(unet, backends[dtype], { classLabels: run.labels });
    const problem = { measurement, measured: given('measured'), weight: run.weight };
    let index = 0;
    for (const { sample } of sampleSteps({
      denoiser: unetDenoiser(unet, backends[dtype], { labels: run.labels }),
      guidance: run.pag_scale === undefined ? none : pag({ pagScale: run.pag_scale, layers: [run.layer] }),
      scheduler: restoring(plain, problem, slope, given('noise')),
      noise: given('noise'),
      noiseSource: () => given(`step.${index}.noise`),
    })) {
      agrees(`step.${index}.sample`, sample);
      index++;
    }
    expect(index).toBe(run.steps);
  });
});
