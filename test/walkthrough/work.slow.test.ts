import { runModel } from '../../src/models/passes.ts';
import { type Perturbation, unperturbed } from '../../src/models/stage.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cfgPag } from '../../src/guidance/pag.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { none } from '../../src/guidance/none.ts';
import { noisedPicture } from '../../src/sampling/from-picture.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { norm, scale, add, subtract } from '../../src/tensor/arithmetic.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { colouring } from '../../src/walkthrough/drawing/values.ts';
import {
  faultNames,
  type FaultName,
  type PassesResult,
  type RunRequest,
  type Works,
} from '../../src/walkthrough/protocol.ts';
import { headOf, rowOf, spreadOf, tokenAt } from '../../src/walkthrough/work/attention.ts';
import { skipConnections, stepCost } from '../../src/walkthrough/work/cost.ts';
import { differences, largestDifference } from '../../src/walkthrough/work/difference.ts';
import { influences } from '../../src/walkthrough/work/influence.ts';
import { gridOf, headsOf } from '../../src/walkthrough/work/layers.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { noiseOf } from '../../src/walkthrough/work/noise.ts';
import { pictureOf, scrawl } from '../../src/walkthrough/work/own.ts';
import { passes } from '../../src/walkthrough/work/passes.ts';
import { guidancePlane } from '../../src/walkthrough/work/plane.ts';
import { createQueue, type Job } from '../../src/walkthrough/work/queue.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { firstOf } from '../thorough.ts';
import { lettersModel } from './library.ts';

let model: Model;
let layers: readonly string[];
const middle = 'mid_block.attentions.0';
beforeAll(async () => {
  model = await lettersModel();
  layers = model.unet.attentionLayers;
}, 60_000);

/** All that section 2 and 3 ask for, from the noise of a seed. Computed once for a layer. */
function look(layer: string): Required<PassesResult> {
  const known = looks.get(layer) ?? lookAt(layer);
  looks.set(layer, known);
  return known;
}

const looks = new Map<string, Required<PassesResult>>();

function lookAt(layer: string): Required<PassesResult> {
  const request = {
    sample: noiseOf({ seed: 5, slices: [0] }),
    index: 0,
    label: 4,
    perturbations: [[middle], ...layers.map((path) => [path])],
    unconditional: true,
    taps: [`${layer}.map`, `${layer}.to_v`, `${layer}.to_out.0`],
  };
  return [...passes(model, request)][0] as Required<PassesResult>;
}

describe('the noise', () => {
  it('is that of the seed, each sample its slice, as often as it is asked for', () => {
    const drawn = manualSeed(3).randn([4, 1, 32, 32]);
    const chosen = noiseOf({ seed: 3, slices: [2, 2, 0] });
    expect(chosen.shape).toEqual([3, 1, 32, 32]);
    for (const [b, slice] of [2, 2, 0].entries()) {
      expect(chosen.data.subarray(b * 1024, (b + 1) * 1024)).toEqual(
        manualSeed(3)
          .randn([slice + 1, 1, 32, 32])
          .data.subarray(slice * 1024),
      );
      expect(chosen.data[b * 1024]).toBe(drawn.data[slice * 1024]);
    }
    // The very same tensor, so that what shows it need not be drawn again, until there have been many others.
    expect(noiseOf({ seed: 3, slices: [2, 2, 0] })).toBe(chosen);
    for (let seed = 100; seed < 116; seed++) noiseOf({ seed, slices: [0] });
    expect(noiseOf({ seed: 3, slices: [2, 2, 0] })).not.toBe(chosen);
    expect(noiseOf({ seed: 3, slices: [2, 2, 0] })).toEqual(chosen);
    // not what is remembered of another request
    expect(noiseOf({ seed: 3, slices: [1] }).data).toEqual(drawn.data.subarray(1024, 2048));
  });
});

describe('one head of attention', () => {
  it.each(['mid_block.attentions.0', 'up_blocks.1.attentions.0'])(
    'gathers in %s what the layer itself gathers',
    (layer) => {
      const seen = look(layer);
      const heads = headsOf(model.unet, layer);
      const grid = gridOf(model.unet, layer);
      // Through the layer's own output projection, the heads side by side give what the layer put out.
      const all = Array.from({ length: heads }, (_, head) => headOf(seen, layer, head));
      const channels = all.reduce((sum, { size }) => sum + size, 0);
      const tokens = grid * grid;
      const gathered = new Float32Array(tokens * channels);
      all.forEach(({ gathered: part, size }, head) => {
        for (let n = 0; n < tokens; n++)
          gathered.set(part.subarray(n * size, (n + 1) * size), n * channels + head * size);
      });
      const { weights } = model.unet;
      const out = referenceKernels.linear(
        tensor('f32', [1, tokens, channels], gathered),
        weights.get(`${layer}.to_out.0.weight`)!,
        weights.get(`${layer}.to_out.0.bias`),
      );
      expect(out.data).toEqual(seen.taps[`${layer}.to_out.0`].data);
    },
  );

  it('asks with rows that sum to one, spread over 1 to N places', () => {
    const head = headOf(look(middle), middle, 2);
    expect(head.tokens).toBe(64);
    for (let token = 0; token < head.tokens; token++) {
      const row = rowOf(head, token);
      expect(row.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(spreadOf(row)).toBeGreaterThanOrEqual(1);
      expect(spreadOf(row)).toBeLessThanOrEqual(64);
    }
    expect(spreadOf(Float32Array.of(0, 1, 0))).toBe(1);
    expect(spreadOf(new Float32Array(8).fill(1 / 8))).toBeCloseTo(8, 12);
  });

  it('finds the token of a pixel', () => {
    expect(tokenAt([0, 0], 32, 64)).toBe(0);
    expect(tokenAt([31, 0], 32, 64)).toBe(7);
    expect(tokenAt([4, 31], 32, 64)).toBe(57);
    expect(tokenAt([2, 2], 32, 256)).toBe(17);
  });
});

describe('colours of values', () => {
  const vectors = fc.array(fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 4, maxLength: 4 }), {
    minLength: 2,
    maxLength: 20,
  });

  it('are mixed as the values are, and are colours', () => {
    fc.assert(
      fc.property(vectors, fc.double({ min: 0, max: 1, noNaN: true }), (rows, part) => {
        const data = rows.flat();
        const colourOf = colouring({ size: 4, data });
        const mixed = rows[0].map((value, i) => value * part + rows[1][i] * (1 - part));
        const [first, second, between] = [colourOf(data, 0), colourOf(data, 1), colourOf(mixed, 0)];
        for (const [channel, value] of between.entries())
          expect(value).toBeCloseTo(first[channel] * part + second[channel] * (1 - part), 6);
        rows.forEach((_, row) => {
          for (const value of colourOf(data, row)) {
            expect(value).toBeGreaterThanOrEqual(0);
            expect(value).toBeLessThanOrEqual(255);
          }
        });
      }),
    );
  });
});

describe('the plane of guidance', () => {
  const scales = fc.tuple(fc.double({ min: -2, max: 10, noNaN: true }), fc.double({ min: -2, max: 10, noNaN: true }));
  let seen: Required<PassesResult>;
  beforeAll(() => {
    seen = look(middle);
  }, 60_000);

  it('guides as CFG + PAG of the library', () => {
    const step = { predict: () => [seen.plain, seen.unconditional, seen.perturbed[0]], timestep: 950 };
    const expected = cfgPag(2.5, { pagScale: 3, layers: [middle] }).guide(
      step as unknown as Parameters<ReturnType<typeof cfgPag>['guide']>[0],
    );
    expect(guidancePlane(seen).guided(3, 2.5)).toEqual(expected);
    expect(guidancePlane(seen).guided(0, 1)).toEqual(seen.plain);
  });

  it('finds the scales of a place', () => {
    const plane = guidancePlane(seen);
    fc.assert(
      fc.property(scales, ([s, more]) => {
        const [foundS, foundMore] = plane.scalesAt(plane.place(s, more));
        expect(foundS).toBeCloseTo(s, 9);
        expect(foundMore).toBeCloseTo(more, 9);
      }),
    );
  });

  it('keeps distances: a place is as far away as its prediction, in units of ‖ε − ε̂‖', () => {
    const plane = guidancePlane(seen);
    const [unit] = norm(plane.away);
    fc.assert(
      fc.property(scales, ([s, more]) => {
        const moved = add(scale(plane.away, s), scale(subtract(seen.plain, seen.unconditional), more));
        expect(Math.hypot(...plane.place(s, more))).toBeCloseTo(norm(moved)[0] / unit, 4);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a run from a letter of the reader’s own', () => {
  it('takes the steps that are left, as a run of the library that begins with a picture', () => {
    const { scheduler } = model;
    const steps = 3;
    const run = { seed: 5, slices: [0], labels: [26], guidance: { kind: 'none' } as const };
    const found = [...sampleRun(model, { ...run, from: { own: scrawl, steps } })];
    expect(found).toHaveLength(steps);
    const later = createScheduler({ ...scheduler.config, _class_name: 'DDIMScheduler' }, 20, { begin: 20 - steps });
    const noise = noiseOf(run);
    const start = noisedPicture(later, pictureOf(scrawl), noise);
    const denoiser = model.denoiser([26]);
    const whole = { denoiser, guidance: none, scheduler: later, noise, start, noiseSource: manualSeed(5).randn };
    expect(found.at(-1)!.sample).toEqual(sampleToEnd(whole));
  });
});

describe('what layers do and cost', () => {
  it('measures by how much of its length the prediction moves', () => {
    const plain = tensor('f32', [1, 1, 1, 2], Float32Array.of(3, 4));
    const moved = tensor('f32', [1, 1, 1, 2], Float32Array.of(3, 3));
    expect(influences({ plain, perturbed: [plain, moved], taps: {}, milliseconds: 0 })).toEqual([0, 0.2]);
  });

  it('counts the multiply-adds that the network does, one pass and two', () => {
    const alone = counted([unperturbed]);
    for (const chosen of [
      [],
      [middle],
      ...firstOf(layers).map((layer) => [layer]),
      ['up_blocks.1.attentions.1', 'down_blocks.2.attentions.0'],
    ]) {
      const { shared, plain, perturbed } = stepCost(model.unet, chosen);
      expect(shared + plain).toBe(alone);
      const both = chosen.length > 0 ? [unperturbed, new Map(chosen.map((layer) => [layer, identity]))] : [unperturbed];
      expect(shared + plain + perturbed, chosen.join()).toBe(counted(both));
    }
  });

  it('knows which stages hand over to which: each joins as many channels as its weights expect', () => {
    const pairs = skipConnections(model.unet);
    expect(pairs).toHaveLength(model.unet.config.blockOutChannels.length * (model.unet.config.layersPerBlock + 1));
    const names = pairs.map(([from, to]) => [model.unet.stages[from].path, model.unet.stages[to].path]);
    expect(names[0]).toEqual(['down_blocks.2.attentions.0', 'up_blocks.0.resnets.0']);
    expect(names[2]).toEqual(['down_blocks.1.attentions.0', 'up_blocks.1.resnets.0']);
    expect(names.at(-1)).toEqual(['conv_in', 'up_blocks.2.resnets.1']);
  });
});

let count = 0;
const counting = simdBackend({
  watch: ({ products }) => {
    count += products;
  },
});
afterAll(() => counting.dispose());

/** What the fast kernels, which run on the page, multiply and add in these passes. */
function counted(passes: readonly Perturbation[]): number {
  count = 0;
  runModel(
    model.unet,
    counting,
    { sample: noiseOf({ seed: 0, slices: [0] }), timesteps: [500], classLabels: [4] },
    { passes },
  );
  return count;
}

describe('faults', () => {
  const run: RunRequest = {
    seed: 1,
    slices: [3],
    labels: [4],
    guidance: { kind: 'pag', scale: 2, layers: [middle] },
  };
  const firstStep = (fault?: FaultName) => [sampleRun(model, { ...run, ...(fault && { fault }) }).next().value!];

  let right: ReturnType<typeof firstStep>;
  beforeAll(() => {
    right = firstStep();
  });

  it.each(faultNames)('%s changes the numbers from the first step on, and leaves the model as it was', (name) => {
    const wrong = firstStep(name);
    const [error] = differences(right, wrong);
    expect(error).toBeGreaterThan(1e-7);
    expect(error).toBeLessThan(0.1);
    expect(largestDifference(right[0].sample, wrong[0].sample)).toBeGreaterThan(error);
    expect(firstStep()).toEqual(right); // switched off again
  });

  it('have names that the oracle knows', () => {
    const known = bank.map(({ name }) => name);
    expect(faultNames.filter((name) => !known.includes(name))).toEqual([]);
  });

  it('are made as they say', () => {
    const guided = (scale: number) => [
      sampleRun(model, { ...run, guidance: { kind: 'pag', scale, layers: [middle] } }).next().value!,
    ];
    expect(firstStep('pag-sign')).toEqual(guided(-2));
    expect(firstStep('guide-scale-for-g')).toEqual(guided(1));
    expect(firstStep('pag-leaks')).toEqual([
      sampleRun(model, { ...run, guidance: { kind: 'spoilt', layers: [middle] } }).next().value!,
    ]);
  });
});

describe('the queue', () => {
  const job = (id: number, size = 1): Job => ({
    id,
    size,
    steps: [][Symbol.iterator]() as Iterator<Works['run']['result'], void, void>,
  });
  const turns = (queue: ReturnType<typeof createQueue>, count: number) =>
    Array.from({ length: count }, () => queue.next()?.id);

  it('lets jobs take turns, those in focus first', () => {
    const queue = createQueue();
    for (const id of [1, 2, 3]) queue.add(job(id));
    expect(turns(queue, 6)).toEqual([1, 2, 3, 1, 2, 3]);
    queue.focus([3, 4]);
    queue.add(job(4));
    expect(turns(queue, 4)).toEqual([3, 4, 3, 4]);
    queue.cancel(3);
    queue.cancel(4);
    expect(turns(queue, 2)).toEqual([1, 2]);
    for (const id of [1, 2]) queue.cancel(id);
    expect(queue.next()).toBeUndefined();
  });

  it('does small work before large, within the focus and without', () => {
    const queue = createQueue();
    queue.add(job(1, 6));
    queue.add(job(2, 1));
    queue.add(job(3, 2));
    expect(turns(queue, 2)).toEqual([2, 2]);
    queue.focus([1, 3]);
    expect(turns(queue, 2)).toEqual([3, 3]);
    queue.cancel(3);
    expect(turns(queue, 2)).toEqual([1, 1]);
  });
});
