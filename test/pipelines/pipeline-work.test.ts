/** What a run of a pipeline takes: the sum of what its models take. */
import { describe, expect, it } from 'vitest';
import { none } from '../../src/guidance/none.ts';
import { cfgPag } from '../../src/guidance/pag.ts';
import { pipelineWork } from '../../src/pipelines/pipeline-work.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { loadPipeline } from './folders.ts';

const scheduler = (steps: number) => createScheduler({ _class_name: 'DDIMScheduler' }, steps);

describe('the work of a pipeline', () => {
  it.each(['sd-1', 'inpainting', 'lcm', 'sd-xl'])('grows by steps, pictures and texts: %s', async (name) => {
    const pipeline = await loadPipeline(name);
    const plan = { guidance: none, scheduler: scheduler(2), shape: [1, 4, 8, 8], texts: 1 };
    const productsOf = (change: Partial<typeof plan>): number =>
      pipelineWork(pipeline, { ...plan, ...change }).products;
    const one = productsOf({});
    const [step, text] = [productsOf({ scheduler: scheduler(3) }) - one, productsOf({ texts: 2 }) - one];
    expect(productsOf({ scheduler: scheduler(6) })).toBe(one + 4 * step);
    expect(productsOf({ shape: [3, 4, 8, 8] })).toBe(3 * one - 2 * text);
    expect(step).toBeGreaterThan(0);
    expect(text).toBeGreaterThan(0);
  });

  it('is more with guidance, and less room than all its samples decoded at once', async () => {
    const pipeline = await loadPipeline('sd-1');
    const plan = { guidance: none, scheduler: scheduler(2), shape: [1, 4, 16, 16], texts: 2 };
    const guided = { ...plan, guidance: cfgPag(2, { pagScale: 1, layers: ['mid'] }) };
    expect(pipelineWork(pipeline, guided).products).toBeGreaterThan(1.5 * pipelineWork(pipeline, plan).products);
    const { bytes } = pipelineWork(pipeline, plan);
    expect(pipelineWork(pipeline, { ...plan, shape: [8, 4, 16, 16] }).bytes).toBeLessThan(8 * bytes);
  });
});
