/** What a run takes, known before it begins, is what it does. */
import { describe, expect, it } from 'vitest';
import { createGuidance } from '../../src/guidance/registry/index.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import { applyOperation, kernelsFrom, productsOf } from '../../src/kernels/operations/index.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { classConditions } from '../../src/models/condition.ts';
import { passCost, passLoad } from '../../src/models/cost.ts';
import { unperturbed } from '../../src/models/stage.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { leastWork } from '../../src/sampling/work.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { zeros } from '../../src/tensor/tensor.ts';
import { context } from '../guidance/scene.ts';
import { backend, noise, randomUNet, smallConfig } from '../models/unet2d/models.ts';

const unet = randomUNet();
const weak = randomUNet(smallConfig, 2);
const shape = [2, 1, 8, 8];

/** The multiply-adds of a run, counted while it runs. */
function counted(guidance: string, parameters: ParameterValues, scheduler: string): number {
  let count = 0;
  const kernels = kernelsFrom({
    operation: (operation, tensors) => {
      count += productsOf(
        operation,
        tensors.map(({ shape }) => shape),
      );
      return applyOperation(referenceKernels, operation, tensors);
    },
    joinedConv2d: (x, weight, bias, stride, padding) => kernels.conv2d(x, weight, bias, stride, padding),
  });
  const counting: Backend = { ...backend, run: (program, inputs) => program(kernels, inputs) };
  sampleToEnd({
    denoiser: unetDenoiser(unet, counting, { labels: [0, 1], nullLabel: 3, weak }),
    guidance: guidanceOf(guidance, parameters),
    scheduler: createScheduler({ _class_name: scheduler }, 3),
    noise: noise(shape),
    noiseSource: () => noise(shape),
  });
  return count;
}

const guidanceOf = (name: string, parameters: ParameterValues) =>
  createGuidance(name, parameters, { ...context, attentionLayers: unet.attentionLayers, hasWeakModel: true });

const planned = (name: string, parameters: ParameterValues, scheduler = 'DDIMScheduler') =>
  leastWork({
    models: { main: unet, weak },
    conditions: classConditions([0, 1], 3),
    guidance: guidanceOf(name, parameters),
    scheduler: createScheduler({ _class_name: scheduler }, 3),
    shape,
  });

describe('the work of a run', () => {
  it.each<[string, ParameterValues, string?]>([
    ['none', {}],
    ['none', {}, 'HeunDiscreteScheduler'],
    ['cfg', {}],
    ['cfg', { guidanceStart: 0.34, guidanceStop: 0.67 }],
    ['auto-guidance', {}],
  ])('%s %o is that of all its passes', (name, parameters, scheduler = 'DDIMScheduler') => {
    expect(planned(name, parameters, scheduler).products).toBe(counted(name, parameters, scheduler));
  });

  it('of passes that share is that of what they share, once', () => {
    const input = { sample: zeros('f32', shape), timesteps: [1], classLabels: [0, 1] };
    const perturbed = new Map([['mid_block.attentions.0', identity]]);
    const [alone, both] = [passCost(unet, input, [unperturbed]), passCost(unet, input, [unperturbed, perturbed])];
    expect(planned('pag', {}).products).toBe(3 * both);
    expect(planned('cfg+pag', {}).products).toBe(3 * (alone + both));
    const interval = { guidanceStart: 0.34, guidanceStop: 0.67 };
    expect(planned('cfg+pag', interval).products).toBe(3 * alone + both);
  });

  it('of SAG is at least that of its first passes', () => {
    const [least, all] = [planned('sag', {}).products, counted('sag', {}, 'DDIMScheduler')];
    expect(least).toBeGreaterThan(0);
    expect(least).toBeLessThan(all);
  });

  it('is known of pictures that no machine could hold', () => {
    const guidance = guidanceOf('none', {});
    const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 3);
    const plan = { models: { main: unet }, conditions: classConditions([0], 3), guidance, scheduler };
    const { products, bytes } = leastWork({ ...plan, shape: [1, 1, 65536, 65536] });
    expect(bytes).toBeGreaterThan(4 * 4 * 65536 ** 2);
    expect(products).toBeGreaterThan(1e15);
  });

  it('takes twice the room in f64', () => {
    const double = { ...unet, dtype: 'f64' as const };
    const guidance = guidanceOf('none', {});
    const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 3);
    const work = (main: typeof unet) =>
      leastWork({ models: { main }, conditions: classConditions([0], 3), guidance, scheduler, shape });
    expect(work(double).bytes).toBe(2 * work(unet).bytes);
  });
});

describe('the room of passes', () => {
  it('is that of the weights and of what is held at a time', () => {
    const weights = [...unet.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    const load = (size: number) =>
      passLoad(unet, { sample: zeros('f32', [1, 1, size, size]), timesteps: [1], classLabels: [0] }, [unperturbed]);
    // On the way up the whole picture is held at 4 channels, thrice: the skips, and what comes and goes.
    const inner = (size: number) => load(size).numbers - weights;
    expect(inner(8)).toBeGreaterThanOrEqual(3 * 4 * 64);
    expect(inner(8)).toBeLessThan(12 * 4 * 64);
    expect(inner(32) / inner(8)).toBeGreaterThan(10);
    expect(inner(32) / inner(8)).toBeLessThanOrEqual(16);
  });
});
