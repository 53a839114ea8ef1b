/**
 * What a guidance costs: the passes that it needs, each run once, and of two passes that begin alike the beginning
 * once.
 */
import { describe, expect, it } from 'vitest';
import type { Pass } from '../../src/guidance/guidance.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import { createGuidance, guidanceNames } from '../../src/guidance/registry/index.ts';
import { samePass } from '../../src/guidance/same-pass.ts';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { unetDenoiser, type Denoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { backend, noise, randomUNet } from '../models/unet2d/models.ts';
import { context, mid, up } from './scene.ts';

const steps = 3;
const unet = randomUNet();

/** Runs a guidance through the sampling loop. */
function sampleWith(
  denoiser: Denoiser,
  guidance: string,
  parameters: ParameterValues,
  sample: Tensor,
  hasWeakModel = true,
): void {
  sampleToEnd({
    denoiser,
    noise: sample,
    guidance: createGuidance(guidance, parameters, { ...context, attentionLayers: unet.attentionLayers, hasWeakModel }),
    scheduler: createScheduler({ _class_name: 'DDIMScheduler' }, steps),
    noiseSource: () => sample,
  });
}

/** A denoiser that keeps a book: the passes that it ran, step by step. */
function spy(): { readonly denoiser: Denoiser; readonly ran: readonly (readonly Pass[])[] } {
  const ran: Pass[][] = [];
  const timesteps: number[] = [];
  return {
    ran,
    denoiser: {
      predict(sample, timestep, passes) {
        if (timesteps.at(-1) !== timestep) {
          timesteps.push(timestep);
          ran.push([]);
        }
        ran.at(-1)!.push(...passes);
        return passes.map((pass, i) => ({
          output: manualSeed(timestep + i).randn((pass.sample ?? sample).shape),
          taps: Object.fromEntries(
            (pass.taps ?? []).map((path) => [
              path,
              {
                ...zeros('f32', [sample.shape[0], 1, 16, 16]),
                data: new Float32Array(256 * sample.shape[0]).fill(1 / 16),
              },
            ]),
          ),
        }));
      },
    },
  };
}

/** c, ∅, and a mark for what is other than plain. */
function nameOf({ condition, perturbation, model, sample }: Pass): string {
  return [
    condition === 'given' ? 'c' : '∅',
    perturbation.size > 0 && ' perturbed',
    model === 'weak' && ' weak',
    sample && ' degraded',
  ]
    .filter(Boolean)
    .join('');
}

const needs: readonly (readonly [string, ParameterValues, readonly string[]])[] = [
  ['none', {}, ['c']],
  ['cfg', {}, ['c', '∅']],
  ['cfg', { guidanceScale: 1 }, ['c']],
  ['cfg', { guidanceScale: 0 }, ['∅']],
  ['pag', {}, ['c', 'c perturbed']],
  ['pag', { pagScale: 0 }, ['c']],
  ['cfg+pag', {}, ['c', '∅', 'c perturbed']],
  ['cfg+pag', { guidanceScale: 1 }, ['c', 'c perturbed']],
  ['cfg+pag', { pagScale: 0 }, ['c', '∅']],
  ['classifier', {}, ['c']],
  ['classifier+pag', {}, ['c', 'c perturbed']],
  ['classifier+pag', { pagScale: 0 }, ['c']],
  ['universal', {}, ['c']],
  ['universal+pag', {}, ['c', 'c perturbed']],
  ['soft-pag', {}, ['c', 'c perturbed']],
  ['soft-pag', { headLambda: 0 }, ['c']],
  ['soft-pag', { guidanceScale: 2 }, ['c', '∅', 'c perturbed']],
  ['pag+apg', {}, ['c', 'c perturbed']],
  ['seg', {}, ['c', 'c perturbed']],
  ['seg', { blurSigma: 0 }, ['c']],
  ['slg', { guidanceScale: 2 }, ['c', '∅', 'c perturbed']],
  ['sag', {}, ['c', 'c degraded']],
  ['sag', { guidanceScale: 2 }, ['∅', 'c', '∅ degraded']],
  ['sag', { sagScale: 0 }, ['c']],
  ['auto-guidance', {}, ['c', 'c weak']],
  ['auto-guidance', { guidanceScale: 1 }, ['c']],
  ['apg', { momentum: -0.5 }, ['c', '∅']],
  ['cfg-zero-star', {}, ['c', '∅']],
  ['tcfg', {}, ['c', '∅']],
  ['fdg', {}, ['c', '∅']],
  ['fdg', { guidanceScales: [1, 1] }, ['c']],
  ['mambo-g', {}, ['c', '∅']],
  ['snf', {}, ['c', '∅', 'c perturbed']],
  ['snf', { guidanceScale: 1 }, ['c', '∅', 'c perturbed']],
  ['snf', { pagScale: 0 }, ['c', '∅']],
  ['tpg', {}, ['c', 'c perturbed']],
  ['tpg', { guidanceScale: 2 }, ['c', '∅', 'c perturbed']],
  ['swg', {}, ['c', ...Array.from({ length: 4 }, () => 'c degraded')]],
  ['swg', { windowSteps: 3, guidanceScale: 2 }, ['c', '∅', ...Array.from({ length: 9 }, () => 'c degraded')]],
  ['swg', { swgScale: 0 }, ['c']],
  ['momentum-guidance', {}, ['c']],
  ['momentum-guidance', { guidanceScale: 3 }, ['c', '∅']],
  ['smc-cfg', {}, ['c', '∅']],
  ['nag', {}, ['c perturbed']],
  ['nag', { guidanceScale: 2 }, ['c perturbed', '∅']],
  ['nag', { nagScale: 0 }, ['c']],
  ['pladis', {}, ['c perturbed']],
  ['pladis', { guidanceScale: 2 }, ['c perturbed', '∅ perturbed']],
  ['smc-cfg', { smcGain: 0, guidanceScale: 1 }, ['c']],
];

describe('the passes of one step', () => {
  it('are stated for every guidance', () => {
    const stated = new Set(needs.map(([guidance]) => guidance));
    expect(stated, 'say in `needs` which passes a step runs').toEqual(new Set(guidanceNames));
  });

  it.each(needs)('%s %o: %o, rescaled or not', (guidance, parameters, passes) => {
    for (const guidanceRescale of [0, 0.7]) {
      const { denoiser, ran } = spy();
      sampleWith(denoiser, guidance, { ...parameters, guidanceRescale }, noise([2, 1, 8, 8]));
      // Rescaling looks at ε(c), which only unconditional sampling does not have already.
      const extra = guidanceRescale > 0 && !passes.includes('c') ? ['c'] : [];
      expect(ran.map((step) => step.map(nameOf))).toEqual(Array.from({ length: steps }, () => [...passes, ...extra]));
      for (const step of ran) {
        const repeated = step.filter((pass, i) => step.slice(0, i).some((earlier) => samePass(earlier, pass)));
        expect(repeated).toEqual([]);
      }
    }
  });

  it('are none in the zero steps of CFG-Zero*, and one outside an interval', () => {
    const zero = spy();
    sampleWith(zero.denoiser, 'cfg-zero-star', { zeroInitSteps: 2 }, noise([1, 1, 8, 8]));
    expect(zero.ran.map((step) => step.map(nameOf))).toEqual([['c', '∅']]);
    const interval = spy();
    sampleWith(interval.denoiser, 'cfg+pag', { guidanceStart: 0.34, guidanceStop: 0.67 }, noise([1, 1, 8, 8]));
    expect(interval.ran.map((step) => step.length)).toEqual([1, 3, 1]);
  });
});

describe('what passes share', () => {
  /** The calls of a kernel in one run. */
  function calls(kernel: keyof Kernels, guidance: string, parameters: ParameterValues = {}): number {
    let count = 0;
    const counting: Backend = {
      ...backend,
      run: (program, inputs) =>
        backend.run(
          (kernels, values) =>
            program(
              {
                ...kernels,
                [kernel]: (...args: never[]) => {
                  count += 1;
                  return (kernels[kernel] as (...args: never[]) => Tensor)(...args);
                },
              },
              values,
            ),
          inputs,
        ),
    };
    const denoiser = unetDenoiser(unet, counting, { labels: [0], nullLabel: 3 });
    sampleWith(denoiser, guidance, parameters, noise([1, 1, 8, 8]), false);
    return count / steps;
  }

  const convolutions = (guidance: string, parameters: ParameterValues = {}): number =>
    (['conv2d', 'joinedConv2d', 'upsampleConv2d'] as const).reduce(
      (sum, kernel) => sum + calls(kernel, guidance, parameters),
      0,
    );
  const full = convolutions('none');
  // Behind the middle attention layer: a ResNet block of two convolutions, and, each with a shortcut, two ResNet
  // blocks, an upsampling, two more ResNet blocks, and the output.
  const behindMid = 2 + 2 * 3 + 1 + 2 * 3 + 1;

  it('is all that comes before the first perturbed layer', () => {
    expect(convolutions('pag')).toBe(full + behindMid);
    expect(convolutions('pag', { pagLayers: [up, mid] })).toBe(full + behindMid);
    expect(convolutions('pag', { pagLayers: [up] })).toBe(full + 8);
    expect(convolutions('slg')).toBe(full + behindMid);
    expect(convolutions('auto-guidance')).toBe(full + behindMid);
  });

  it('is nothing where the condition differs', () => {
    expect(convolutions('cfg')).toBe(2 * full);
    expect(convolutions('cfg+pag')).toBe(2 * full + behindMid);
  });

  it('query, key and map of a layer that PAG perturbs are not computed', () => {
    expect(calls('attention', 'pag') - calls('attention', 'none')).toBe(2);
    expect(calls('attention', 'pag', { pagLayers: ['mid', 'up'] })).toBe(calls('attention', 'none'));
  });
});
