/**
 * Whole sampling runs against diffusers' schedulers, every number of every step: the passes of the model, the guided
 * prediction, the sample.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { readTensor, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import type { Guidance, Pass } from '../../src/guidance/guidance.ts';
import { cfgPag } from '../../src/guidance/pag.ts';
import { rescaled } from '../../src/guidance/rescale.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { sliceChannels } from '../../src/kernels/plain/rearrange.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { unetDenoiser, type Denoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps } from '../../src/sampling/sample.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { createUNet, type UNet } from '../../src/models/unet2d/unet.ts';
import { disagreement, goldenNames, goldenOf } from '../agreement.ts';
import { loadFixtureModel, metadataOf, openGoldens } from '../goldens.ts';

/** The settings of a run, as scripts/goldens/runs.py has them; what is left out has no effect. */
interface Run {
  readonly model: string;
  readonly scheduler: Config;
  readonly steps: number;
  readonly seed: number;
  readonly eta?: number;
  readonly labels?: readonly number[];
  readonly null_label?: number;
  readonly guidance_scale?: number;
  readonly pag_scale?: number;
  readonly pag_adaptive_scale?: number;
  readonly pag_layers?: readonly string[];
  readonly guidance_rescale?: number;
}

function guidanceOf(run: Run): Guidance {
  return rescaled(
    cfgPag(run.guidance_scale ?? 1, {
      pagScale: run.pag_scale ?? 0,
      pagAdaptiveScale: run.pag_adaptive_scale ?? 0,
      layers: run.pag_layers ?? [],
    }),
    run.guidance_rescale ?? 0,
  );
}

function nameOf(pass: Pass): string {
  if (pass.condition === 'null') return 'unconditional';
  return pass.perturbation.size > 0 ? 'perturbed' : 'epsilon';
}

type Precision = 'f32' | 'f64';

async function loadUNet(model: string, dtype: Precision): Promise<UNet> {
  const elsewhere: Readonly<Record<string, string>> = { letters: 'letters/model', fourier: 'goldens/unets/fourier' };
  const { config, weights } = await loadFixtureModel(elsewhere[model] ?? `goldens/runs/${model}`);
  return createUNet(config, weights, dtype);
}

/** Everything that happens in the run, with the noise of the file, under the names that the goldens have. */
function replay(file: SafetensorsFile, run: Run, unet: UNet, backend: Backend): ReadonlyMap<string, Tensor> {
  const { dtype } = unet;
  const model = unetDenoiser(unet, backend, {
    ...(run.labels && { labels: run.labels }),
    ...(run.null_label !== undefined && { nullLabel: run.null_label }),
  });
  const noise = (name: string): Tensor => cast(readTensor(file, name), dtype);
  const seen = new Map<string, Tensor>();
  let index = 0;
  const denoiser: Denoiser = {
    predict(sample, timestep, passes) {
      const predictions = model.predict(sample, timestep, passes);
      passes.forEach((pass, i) => {
        seen.set(`step.${index}.${nameOf(pass)}`, sliceChannels(predictions[i].output, 0, sample.shape[1]));
      });
      return predictions;
    },
  };
  const steps = sampleSteps({
    denoiser,
    guidance: guidanceOf(run),
    noise: noise('noise'),
    noiseSource: () => noise(`step.${index}.noise`),
    scheduler: createScheduler(run.scheduler, run.steps, { eta: run.eta ?? 0 }),
  });
  for (const step of steps) {
    seen.set(`step.${index}.guided`, step.guided);
    seen.set(`step.${index}.sample`, step.sample);
    index++;
  }
  return seen;
}

/** The tests of these runs of the goldens. */
export function testRuns(runs: readonly string[]): void {
  const backends = { f32: simdBackend(), f64: referenceBackend() };
  afterAll(() => backends.f32.dispose());

  // A model is loaded once, so that the backend knows its programs again.
  const known = new Map<string, Promise<UNet>>();
  const unetOf = (model: string, dtype: Precision): Promise<UNet> => {
    const unet = known.get(`${model} ${dtype}`) ?? loadUNet(model, dtype);
    known.set(`${model} ${dtype}`, unet);
    return unet;
  };

  describe.each(runs)('the run "%s"', (name) => {
    const file = openGoldens(`runs/${name}.safetensors`);
    const run = metadataOf<Run>(file, 'run');

    it.each(['f32', 'f64'] as const)('agrees at every step in %s', async (dtype) => {
      const ours = replay(file, run, await unetOf(run.model, dtype), backends[dtype]);
      const names = goldenNames(file);
      expect([...ours.keys()].sort(), 'exactly the passes that the formula has').toEqual([...names].sort());
      const wrong = names.map((value) => [value, disagreement(ours.get(value), goldenOf(file, value))]);
      expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
    });

    it('draws the noise that torch draws for the seed, in the order of the steps', () => {
      const generator = manualSeed(run.seed);
      const drawn = [...file.entries.keys()].filter((entry) => entry.endsWith('noise')).sort();
      expect(drawn[0]).toBe('noise');
      for (const entry of drawn) {
        const theirs = readTensor(file, entry);
        expect(generator.randn(theirs.shape), entry).toEqual(theirs);
      }
    });
  });
}
