/**
 * What holds for every run, whatever the model, the guidance and the scheduler: bit for bit, for random weights and
 * noise.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cfg } from '../../src/guidance/cfg.ts';
import type { Guidance } from '../../src/guidance/guidance.ts';
import { none } from '../../src/guidance/none.ts';
import { cfgPag, pag } from '../../src/guidance/pag.ts';
import { rescaled } from '../../src/guidance/rescale.ts';
import { concatBatch, sliceBatch, sliceChannels } from '../../src/kernels/plain/rearrange.ts';
import { unetDenoiser, type Denoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps, sampleToEnd, type SamplingStep } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { UNet } from '../../src/models/unet2d/unet.ts';
import { backend, randomUNet, smallConfig } from '../models/unet2d/models.ts';

const nullLabel = 3;
const mid = 'mid_block.attentions.0';
const last = 'up_blocks.0.attentions.1';

const schedulers: Readonly<Record<string, () => Scheduler>> = {
  ddim: () => createScheduler({ _class_name: 'DDIMScheduler' }, 3),
  'ddim with noise': () =>
    createScheduler({ _class_name: 'DDIMScheduler', timestep_spacing: 'trailing' }, 2, { eta: 0.8 }),
  ddpm: () => createScheduler({ _class_name: 'DDPMScheduler', clip_sample: false }, 3),
};

const guidances: Readonly<Record<string, Guidance>> = {
  none,
  cfg: cfg(2.5),
  pag: pag({ pagScale: 1.5, layers: [last, mid] }),
  'cfg+pag': cfgPag(3, { pagScale: 2, pagAdaptiveScale: 0.002, layers: [mid] }),
  'cfg+pag, rescaled': rescaled(cfgPag(3, { pagScale: 2, layers: [last] }), 0.7),
};

interface Draw {
  readonly unet?: UNet;
  readonly denoiser?: Denoiser;
  readonly guidance: Guidance;
  readonly scheduler: string;
  readonly noises: readonly Tensor[];
  readonly labels: readonly number[];
}

/** Runs to the end; the noise of step i is `noises[i + 1]`. */
function draw({ unet = randomUNet(), denoiser, guidance, scheduler, noises, labels }: Draw): Tensor {
  let drawn = 1;
  return sampleToEnd({
    denoiser: denoiser ?? unetDenoiser(unet, backend, { labels, nullLabel }),
    guidance,
    scheduler: schedulers[scheduler](),
    noise: noises[0],
    noiseSource: () => noises[drawn++],
  });
}

/** Noise for a start and three steps, [B,1,size,size]. */
function noisesOf(seed: number, batch: number, size = 4): readonly Tensor[] {
  const generator = manualSeed(seed);
  return Array.from({ length: 4 }, () => generator.randn([batch, 1, size, size]));
}

const seeds = fc.nat(10_000);
const anyScheduler = fc.constantFrom(...Object.keys(schedulers));
const anyGuidance = fc.constantFrom(...Object.keys(guidances));
const label = fc.nat(nullLabel);
const few = { numRuns: 8 };

describe('a guidance without effect', () => {
  const scale = fc.double({ min: -4, max: 9, noNaN: true });
  it('leaves the run as it is, bit for bit', () => {
    const idle: Readonly<Record<string, Guidance>> = {
      'PAG at scale 0': pag({ pagScale: 0, layers: [mid] }),
      'PAG at scale 0, in no layer': pag({ pagScale: 0, layers: [] }),
      'CFG at scale 1': cfg(1),
      both: cfgPag(1, { pagScale: 0, layers: [mid, last] }),
      'PAG that has adapted to nothing': pag({ pagScale: 3, pagAdaptiveScale: 1000, layers: [mid] }),
      'rescale at φ = 0': rescaled(none, 0),
    };
    fc.assert(
      fc.property(seeds, anyScheduler, label, fc.constantFrom(...Object.keys(idle)), (seed, scheduler, c, which) => {
        const common = { unet: randomUNet(smallConfig, seed), scheduler, noises: noisesOf(seed, 1), labels: [c] };
        expect(draw({ ...common, guidance: idle[which] })).toEqual(draw({ ...common, guidance: none }));
      }),
      few,
    );
  });

  it('PAG has none where there is a single token to attend to', () => {
    // The attention layers of a 2 × 2 picture see one pixel.
    fc.assert(
      fc.property(seeds, anyScheduler, scale, (seed, scheduler, s) => {
        const common = { unet: randomUNet(smallConfig, seed), scheduler, noises: noisesOf(seed, 2, 2), labels: [0, 2] };
        const guidance = pag({ pagScale: s, layers: common.unet.attentionLayers });
        expect(draw({ ...common, guidance })).toEqual(draw({ ...common, guidance: none }));
      }),
      few,
    );
  });

  it('CFG has none for the null label', () => {
    fc.assert(
      fc.property(seeds, anyScheduler, scale, (seed, scheduler, g) => {
        const common = {
          unet: randomUNet(smallConfig, seed),
          scheduler,
          noises: noisesOf(seed, 1),
          labels: [nullLabel],
        };
        expect(draw({ ...common, guidance: cfg(g) })).toEqual(draw({ ...common, guidance: none }));
      }),
      few,
    );
  });

  it('but the others change the picture', () => {
    const common = { scheduler: 'ddim', noises: noisesOf(1, 1), labels: [1] };
    const pictures = Object.values(guidances).map((guidance) => draw({ ...common, guidance }).data.join());
    expect(new Set(pictures).size).toBe(pictures.length);
  });
});

describe('a batch', () => {
  it('is its samples, drawn one by one', () => {
    fc.assert(
      fc.property(
        seeds,
        anyScheduler,
        anyGuidance,
        fc.array(label, { minLength: 2, maxLength: 3 }),
        (seed, scheduler, guidance, labels) => {
          const common = { unet: randomUNet(smallConfig, seed), scheduler, guidance: guidances[guidance] };
          const noises = noisesOf(seed, labels.length);
          const alone = labels.map((c, i) =>
            draw({ ...common, noises: noises.map((noise) => sliceBatch(noise, i, i + 1)), labels: [c] }),
          );
          expect(draw({ ...common, noises, labels })).toEqual(concatBatch(alone));
        },
      ),
      few,
    );
  });

  it('with a scale for each sample is its samples, each with its own', () => {
    fc.assert(
      fc.property(seeds, fc.array(fc.constantFrom(0, 0.5, 1, 3), { minLength: 2, maxLength: 3 }), (seed, scales) => {
        const common = { unet: randomUNet(smallConfig, seed), scheduler: 'ddim' };
        const guide = (s: number | readonly number[]): Guidance => cfgPag(s, { pagScale: s, layers: [mid] });
        const noises = noisesOf(seed, scales.length);
        const labels = scales.map((_, i) => i);
        const alone = scales.map((s, i) =>
          draw({
            ...common,
            guidance: guide(s),
            noises: noises.map((noise) => sliceBatch(noise, i, i + 1)),
            labels: [i],
          }),
        );
        expect(draw({ ...common, guidance: guide(scales), noises, labels })).toEqual(concatBatch(alone));
      }),
      few,
    );
  });
});

describe('passes', () => {
  it('that share their beginning give the picture of whole passes', () => {
    fc.assert(
      fc.property(seeds, anyScheduler, anyGuidance, (seed, scheduler, guidance) => {
        const unet = randomUNet(smallConfig, seed);
        const common = { scheduler, guidance: guidances[guidance], noises: noisesOf(seed, 2), labels: [0, 1] };
        const sharing = unetDenoiser(unet, backend, { labels: common.labels, nullLabel });
        const whole: Denoiser = {
          predict: (sample, t, passes) => passes.flatMap((pass) => sharing.predict(sample, t, [pass])),
        };
        expect(draw({ ...common, denoiser: whole })).toEqual(draw({ ...common, denoiser: sharing }));
      }),
      few,
    );
  });
});

describe('a run', () => {
  it('is repeated bit for bit, and what it has shown does not change', () => {
    fc.assert(
      fc.property(seeds, anyScheduler, anyGuidance, (seed, scheduler, guidance) => {
        const unet = randomUNet(smallConfig, seed);
        const steps = (): [SamplingStep, number[]][] => {
          const noises = noisesOf(seed, 1);
          let drawn = 1;
          const run = sampleSteps({
            denoiser: unetDenoiser(unet, backend, { labels: [1], nullLabel }),
            guidance: guidances[guidance],
            scheduler: schedulers[scheduler](),
            noise: noises[0],
            noiseSource: () => noises[drawn++],
          });
          return [...run].map((step) => [step, [...step.sample.data, ...step.guided.data]]);
        };
        const first = steps();
        for (const [step, copy] of first) expect([...step.sample.data, ...step.guided.data]).toEqual(copy);
        expect(steps()).toEqual(first);
        expect(first.map(([{ index, count, timestep }]) => [index, count, timestep])).toEqual(
          schedulers[scheduler]().timesteps.map((timestep, index, all) => [index, all.length, timestep]),
        );
      }),
      few,
    );
  });

  it.each(['f64', 'f16', 'bf16'] as const)('of %s stays in it', (dtype) => {
    const unet = randomUNet(smallConfig, 1, dtype);
    const noises = noisesOf(3, 1).map((noise) => cast(noise, dtype));
    for (const scheduler of Object.keys(schedulers)) {
      const sample = draw({ unet, scheduler, guidance: guidances['cfg+pag, rescaled'], noises, labels: [2] });
      expect(sample.dtype).toBe(dtype);
      expect(sample).toEqual(cast(sample, dtype));
      expect(sample.data.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('a model that predicts a variance', () => {
  const unet = randomUNet({ ...smallConfig, out_channels: 2, num_class_embeds: null });
  const whole = unetDenoiser(unet, backend);
  /** The same model, without the variance. */
  const cut: Denoiser = {
    predict: (...input) =>
      whole.predict(...input).map(({ output, taps }) => ({ output: sliceChannels(output, 0, 1), taps })),
  };
  const guidance = pag({ pagScale: 2, layers: [mid] });

  it.each(Object.keys(schedulers))(
    'draws with a scheduler that does not read it as a model without: %s',
    (scheduler) => {
      const common = { guidance, scheduler, noises: noisesOf(5, 2), labels: [] };
      expect(draw({ ...common, denoiser: whole })).toEqual(draw({ ...common, denoiser: cut }));
    },
  );

  it('gives the scheduler that of the plain pass, whatever the guidance', () => {
    const noises = noisesOf(6, 1);
    const run = (scale: number, denoiser: Denoiser): Tensor =>
      sampleToEnd({
        denoiser,
        guidance: pag({ pagScale: scale, layers: [mid] }),
        noise: noises[0],
        noiseSource: () => noises[1],
        scheduler: createScheduler(
          {
            _class_name: 'DDPMScheduler',
            variance_type: 'learned_range',
            timestep_spacing: 'trailing',
            clip_sample: false,
          },
          1,
        ),
      });
    // A model whose perturbed pass has no variance at all draws the same.
    const maimed: Denoiser = {
      predict: (sample, t, passes) =>
        whole
          .predict(sample, t, passes)
          .map(({ output, taps }, i) =>
            passes[i].perturbation.size === 0 ? { output, taps } : { output: sliceChannels(output, 0, 1), taps },
          ),
    };
    expect(run(2, maimed)).toEqual(run(2, whole));
    expect(run(2, whole)).not.toEqual(run(0, whole));
  });
});
