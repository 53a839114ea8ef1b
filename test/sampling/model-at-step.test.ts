/**
 * Which passes of the network a step runs: with a denoiser that computes nothing and writes down what it is asked for.
 */
import { describe, expect, it } from 'vitest';
import { cfg } from '../../src/guidance/cfg.ts';
import { cfgZeroStar } from '../../src/guidance/cfg-zero-star.ts';
import { conditional, perturbed, unconditional, weakModel, type Pass } from '../../src/guidance/guidance.ts';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { rescaled } from '../../src/guidance/rescale.ts';
import { sag } from '../../src/guidance/sag.ts';
import { concatChannels, sliceChannels } from '../../src/kernels/plain/rearrange.ts';
import { identity, randomMask, skip } from '../../src/nn/attention-perturbations/index.ts';
import type { Denoiser, Prediction } from '../../src/sampling/denoiser.ts';
import { modelAtStep } from '../../src/sampling/model-at-step.ts';
import { sampleSteps } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const mid = 'mid_block.attentions.0';
const up = 'up_blocks.0.attentions.1';
const mapOfMid = `${mid}.map`;
const shape = [2, 3, 4, 4];
const picture = manualSeed(1).randn(shape);

interface Call {
  readonly sample: Tensor;
  readonly timestep: number;
  readonly passes: readonly Pass[];
}

/**
 * A denoiser that answers every pass of every call with a tensor of its own, so that a prediction taken for another is
 * seen, and keeps what it was asked and what it answered.
 */
function recorder({ variance = false, known = [mapOfMid, 'mid_block'] } = {}) {
  const calls: Call[] = [];
  const answers: Prediction[] = [];
  const draw = manualSeed(100);
  const denoiser: Denoiser = {
    predict(sample, timestep, passes) {
      calls.push({ sample, timestep, passes });
      return passes.map((pass) => {
        const output = draw.randn(shape);
        const shown = (pass.taps ?? []).filter((path) => known.includes(path));
        const answer = {
          output: variance ? concatChannels(output, draw.randn(shape)) : output,
          taps: Object.fromEntries(shown.map((path) => [path, draw.randn([2, 2, 4, 4])])),
        };
        answers.push(answer);
        return answer;
      });
    },
  };
  return { denoiser, calls, answers };
}

/** DDIM gives the model x_t as it is. */
const ddim = createScheduler({ _class_name: 'DDIMScheduler' }, 3);
/** Euler divides x_t by √(σ² + 1), which is 14.6 at the first step. */
const euler = createScheduler({ _class_name: 'EulerDiscreteScheduler' }, 3);

function setUp(options: Parameters<typeof recorder>[0] = {}, scheduler = ddim) {
  const record = recorder(options);
  return { ...record, model: modelAtStep(record.denoiser, scheduler, picture, 0) };
}

/** How often each of some passes was run. */
const ran = (calls: readonly Call[]): number => calls.flatMap(({ passes }) => passes).length;

describe('a pass is run once', () => {
  it('although it is asked for again, alone or among others', () => {
    const { model, calls, answers } = setUp();
    const [first] = model.predict([conditional]);
    const [again, other] = model.predict([conditional, unconditional]);
    expect(calls.map(({ passes }) => passes.map(({ condition }) => condition))).toEqual([['given'], ['null']]);
    expect(again).toBe(first);
    expect(other).toBe(answers[1].output);
    expect(model.predict([unconditional, conditional])).toEqual([other, first]);
    expect(calls).toHaveLength(2);
  });

  it('although one request has it twice', () => {
    const { model, calls, answers } = setUp();
    const spoilt = perturbed([mid], identity);
    const predictions = model.predict([conditional, spoilt, conditional, perturbed([mid], identity)]);
    expect(calls.map(({ passes }) => passes.length)).toEqual([2]);
    expect(predictions).toEqual([0, 1, 0, 1].map((i) => answers[i].output));
  });

  it('although its layers come in another order, or its mixers are made anew', () => {
    const { model, calls } = setUp();
    model.predict([perturbed([mid, up], (layer) => randomMask({ probability: 0.5, seed: layer === mid ? 1 : 2 }))]);
    model.predict([perturbed([up, mid], (layer) => randomMask({ probability: 0.5, seed: layer === mid ? 1 : 2 }))]);
    expect(ran(calls)).toBe(1);
  });

  it('although it says which model is meant where none is said', () => {
    const { model, calls } = setUp();
    model.predict([conditional]);
    model.predict([{ ...conditional, model: 'main' }]);
    expect(ran(calls)).toBe(1);
  });

  it('by each of two steps, which know nothing of one another', () => {
    const { denoiser, calls } = recorder();
    for (const index of [0, 1]) modelAtStep(denoiser, ddim, picture, index).predict([conditional]);
    expect(calls.map(({ timestep }) => timestep)).toEqual(ddim.timesteps.slice(0, 2));
  });
});

describe('two passes are not taken for one another', () => {
  const own = manualSeed(2).randn(shape);
  const pairs: readonly (readonly [string, Pass, Pass])[] = [
    ['condition', conditional, unconditional],
    ['model', conditional, weakModel],
    ['perturbed layer', perturbed([mid], identity), perturbed([up], identity)],
    ['number of perturbed layers', perturbed([mid], identity), perturbed([mid, up], identity)],
    ['plain pass', conditional, perturbed([mid], identity)],
    // Taken for one another, the second guidance would be answered with the ε̂ of the first.
    ['mixer', perturbed([mid], identity), perturbed([mid], skip)],
    [
      'parameter of a mixer',
      perturbed([mid], randomMask({ probability: 0.5, seed: 1 })),
      perturbed([mid], randomMask({ probability: 0.5, seed: 2 })),
    ],
    [
      'mixer of one of the layers',
      perturbed([mid, up], (layer) => (layer === mid ? identity : skip)),
      perturbed([mid, up], (layer) => (layer === mid ? skip : identity)),
    ],
    ['picture', conditional, { ...conditional, sample: own }],
    ['picture of equal numbers', { ...conditional, sample: own }, { ...conditional, sample: { ...own } }],
  ];

  it.each(pairs)('that differ in the %s', (_what, one, other) => {
    for (const passes of [
      [one, other],
      [other, one],
    ]) {
      const together = setUp();
      expect(together.model.predict(passes)).toEqual(together.answers.map(({ output }) => output));
      expect(ran(together.calls)).toBe(2);

      const apart = setUp();
      expect(passes.map((pass) => apart.model.predict([pass])[0])).toEqual(apart.answers.map(({ output }) => output));
      expect(ran(apart.calls)).toBe(2);
    }
  });
});

describe('the denoiser', () => {
  it('is asked once for what is missing of a request, in its order', () => {
    const { model, calls, answers } = setUp();
    const passes = [unconditional, perturbed([mid], identity), conditional, perturbed([up], identity)];
    model.predict([conditional]);
    const predictions = model.predict(passes);
    expect(calls).toHaveLength(2);
    expect(calls[1].passes.map(({ condition, perturbation }) => [condition, ...perturbation.keys()])).toEqual([
      ['null'],
      ['given', mid],
      ['given', up],
    ]);
    expect(predictions).toEqual([1, 2, 0, 3].map((i) => answers[i].output));
  });

  it('is not asked when nothing is missing', () => {
    const { model, calls } = setUp();
    expect(model.predict([])).toEqual([]);
    expect(calls).toEqual([]);
  });

  it('is given x_t and the timestep of the step, scaled as the scheduler wants it', () => {
    for (const index of [0, 2]) {
      const { denoiser, calls } = recorder();
      modelAtStep(denoiser, euler, picture, index).predict([conditional]);
      expect(calls[0].sample).toEqual(euler.scaleModelInput(picture, index));
      expect(calls[0].sample).not.toEqual(picture);
      expect(calls[0].timestep).toBe(euler.timesteps[index]);
    }
  });

  it('is given the picture of a pass scaled like x_t', () => {
    const { model, calls } = setUp({}, euler);
    const own = manualSeed(2).randn(shape);
    model.predict([conditional, { ...conditional, sample: own }]);
    expect(calls[0].passes[0].sample).toBeUndefined();
    expect(calls[0].passes[1].sample).toEqual(euler.scaleModelInput(own, 0));
    expect(calls[0].passes[1].sample).not.toEqual(own);
  });

  it('is given a picture as one tensor for all passes of it, so that they can share their beginning', () => {
    const { model, calls } = setUp({}, euler);
    const own = manualSeed(2).randn(shape);
    model.predict([
      { ...conditional, sample: own },
      { ...perturbed([mid], identity), sample: own },
      { ...conditional, sample: picture },
    ]);
    const [plain, spoilt, same] = calls[0].passes;
    expect(plain.sample).toBe(spoilt.sample);
    expect(same.sample).toBe(calls[0].sample);
  });

  it('that leaves out a prediction, or gives one that does not fit, is refused', () => {
    const answering = (answer: (passes: readonly Pass[]) => readonly Tensor[]) => () =>
      modelAtStep(
        { predict: (_sample, _t, passes) => answer(passes).map((output) => ({ output, taps: {} })) },
        ddim,
        picture,
        0,
      ).predict([conditional, unconditional]);
    const refused = answering(() => [picture]);
    expect(refused).toThrow(InputError);
    expect(refused).toThrow('the denoiser gave no prediction for a pass that it was asked for');
    const like = (wrong: readonly number[], dtype?: 'f32' | 'f64') =>
      answering((passes) => passes.map(() => manualSeed(1).randn(wrong, dtype)));
    for (const wrong of [like([1, 3, 4, 4]), like([2, 1, 4, 4]), like([2, 3, 4, 2]), like(shape, 'f64')]) {
      expect(wrong).toThrow(InputError);
    }
    expect(like(shape, 'f64')).toThrow(
      'the model predicts [2, 3, 4, 4] in f64 for a picture [2, 3, 4, 4] in f32; both must have one precision, and ' +
        'the prediction as many channels, or twice as many with the variance',
    );
    expect(answering((passes) => [...passes.map(() => picture), picture])).not.toThrow();
  });
});

describe('a prediction of an oblong picture', () => {
  const oblong = manualSeed(1).randn([2, 3, 4, 6]);
  const answered = (output: readonly number[]) => () =>
    modelAtStep(
      { predict: (_sample, _t, passes) => passes.map(() => ({ output: manualSeed(2).randn(output), taps: {} })) },
      ddim,
      oblong,
      0,
    ).predict([conditional]);

  it('is as it is, or has the variance in as many channels more', () => {
    for (const fits of [oblong.shape, [2, 6, 4, 6]]) expect(answered(fits)()[0]?.shape).toEqual(oblong.shape);
  });

  it.each([[[2, 3, 6, 4]], [[2, 6, 6, 4]], [[2, 9, 4, 6]], [[2, 4, 4, 6]], [[3, 3, 4, 6]], [[2, 3, 4]]])(
    'is refused of the shape %j',
    (shape) => {
      expect(answered(shape)).toThrow(InputError);
      expect(answered(shape)).toThrow(`the model predicts [${shape.join(', ')}] in f32 for a picture [2, 3, 4, 6]`);
    },
  );
});

describe('a tap', () => {
  const watched: Pass = { ...conditional, taps: [mapOfMid] };

  it('asked for with the pass is there without another run', () => {
    const { model, calls, answers } = setUp();
    model.predict([watched]);
    expect(model.tap(watched, mapOfMid)).toBe(answers[0].taps[mapOfMid]);
    expect(ran(calls)).toBe(1);
    expect(calls[0].passes[0].taps).toEqual([mapOfMid]);
  });

  it('is not there in a run without it: the pass is run for it, and keeps its first prediction', () => {
    const { model, calls, answers } = setUp();
    const [first] = model.predict([conditional]);
    const [again] = model.predict([watched]);
    expect(calls.map(({ passes }) => passes.map(({ taps }) => taps))).toEqual([[undefined], [[mapOfMid]]]);
    expect(again).toBe(first);
    expect(model.tap(watched, mapOfMid)).toBe(answers[1].taps[mapOfMid]);
    expect(ran(calls)).toBe(2);
  });

  it('costs a run of its own when only `tap` asks for it, and no second one', () => {
    const { model, calls } = setUp();
    model.predict([conditional]);
    const seen = model.tap(conditional, mapOfMid);
    expect(model.tap(watched, mapOfMid)).toBe(seen);
    expect(calls.map(({ passes }) => passes.map(({ taps }) => taps))).toEqual([[undefined], [[mapOfMid]]]);
  });

  it('does not make a pass another: with it, without it, it is one run, whoever comes first', () => {
    const withFirst = setUp();
    withFirst.model.predict([watched]);
    withFirst.model.predict([conditional]);
    expect(ran(withFirst.calls)).toBe(1);

    for (const passes of [
      [watched, conditional],
      [conditional, watched],
    ]) {
      const { model, calls, answers } = setUp();
      expect(model.predict(passes)).toEqual([answers[0].output, answers[0].output]);
      expect(model.tap(conditional, mapOfMid)).toBe(answers[0].taps[mapOfMid]);
      expect(ran(calls)).toBe(1);
    }
  });

  it('of one request joins those of equal passes in one run', () => {
    const { model, calls, answers } = setUp();
    const more: Pass = { ...conditional, taps: ['mid_block', mapOfMid] };
    model.predict([watched, unconditional, more]);
    expect(calls.map(({ passes }) => passes.map(({ taps }) => taps))).toEqual([[[mapOfMid, 'mid_block'], undefined]]);
    expect(model.tap(watched, mapOfMid)).toBe(answers[0].taps[mapOfMid]);
    expect(model.tap(more, 'mid_block')).toBe(answers[0].taps['mid_block']);
    expect(ran(calls)).toBe(2);
  });

  it('of a later request is run without those that are known', () => {
    const { model, calls, answers } = setUp();
    model.predict([watched]);
    model.predict([{ ...conditional, taps: [mapOfMid, 'mid_block'] }]);
    expect(calls[1].passes.map(({ taps }) => taps)).toEqual([['mid_block']]);
    expect(model.tap(watched, mapOfMid)).toBe(answers[0].taps[mapOfMid]);
    expect(model.tap(watched, 'mid_block')).toBe(answers[1].taps['mid_block']);
  });

  it('is that of its own pass', () => {
    const { model, calls, answers } = setUp();
    const spoilt: Pass = { ...perturbed([up], identity), taps: [mapOfMid] };
    model.predict([watched, spoilt]);
    expect(model.tap(spoilt, mapOfMid)).toBe(answers[1].taps[mapOfMid]);
    expect(model.tap(watched, mapOfMid)).toBe(answers[0].taps[mapOfMid]);
    expect(answers[0].taps[mapOfMid]).not.toEqual(answers[1].taps[mapOfMid]);
    expect(ran(calls)).toBe(2);
  });

  it('that the model does not have is refused by name', () => {
    const { model } = setUp();
    const look = () => model.tap(conditional, 'mid_block.attentions.7.map');
    expect(look).toThrow(InputError);
    expect(look).toThrow('the guidance looks at "mid_block.attentions.7.map", which the model does not have');
  });
});

describe('the variance that a model predicts', () => {
  const half = (x: Tensor, which: 0 | 1): Tensor => sliceChannels(x, 3 * which, 3 * (which + 1));
  const spoilt = perturbed([mid], identity);

  it('is not shown to the guidance', () => {
    const { model, answers } = setUp({ variance: true });
    expect(model.predict([conditional, spoilt])).toEqual(answers.map(({ output }) => half(output, 0)));
  });

  it('is that of the plain conditional pass, whichever was run first', () => {
    for (const passes of [
      [conditional, unconditional, spoilt],
      [spoilt, unconditional, conditional],
      [weakModel, { ...conditional, sample: manualSeed(2).randn(shape) }, conditional],
    ]) {
      const { model, calls, answers } = setUp({ variance: true });
      const [guided] = model.predict(passes);
      const plain = answers[passes.indexOf(conditional)].output;
      expect(model.withVariance(guided)).toEqual(concatChannels(guided, half(plain, 1)));
      expect(ran(calls)).toBe(passes.length);
    }
  });

  it('is asked for where the guidance needed no such pass: unconditional sampling, and a step without any', () => {
    for (const passes of [[unconditional], []]) {
      const { model, calls, answers } = setUp({ variance: true });
      model.predict(passes);
      expect(model.withVariance(picture)).toEqual(concatChannels(picture, half(answers.at(-1)!.output, 1)));
      expect(calls.at(-1)!.passes).toEqual([conditional]);
      expect(ran(calls)).toBe(passes.length + 1);
    }
  });

  it('is not there in a model without: the guided prediction stays as it is, at no cost', () => {
    const { model, calls } = setUp();
    const [guided] = model.predict([unconditional]);
    expect(model.withVariance(guided)).toBe(guided);
    expect(ran(calls)).toBe(1);
    expect(setUp().model.withVariance(picture)).toBe(picture);
  });
});

describe('in the sampling loop', () => {
  /** One step of a run. */
  function step(
    guidance: Parameters<typeof sampleSteps>[0]['guidance'],
    config: Record<string, unknown>,
    options = {},
  ) {
    const record = recorder(options);
    const scheduler = createScheduler(config, 3);
    const { randn } = manualSeed(5);
    const { value } = sampleSteps({ ...record, guidance, scheduler, noise: picture, noiseSource: randn }).next();
    return { ...record, scheduler, value };
  }

  it('SAG on Euler: its degraded picture reaches the model scaled, as x_t does', () => {
    // Unscaled it would be 14.6 times too large at the first step, and a run of SAG would be noise.
    const { calls, scheduler } = step(sag({ sagScale: 1, layer: mid }), { _class_name: 'EulerDiscreteScheduler' });
    const [first, second] = calls;
    const norm = (x: Tensor): number => Math.hypot(...x.data);
    const own = second.passes[0].sample!;
    expect(norm(own)).toBeLessThan(2 * norm(first.sample));
    expect(scheduler.initNoiseSigma).toBeGreaterThan(10);
    expect(second.sample).toBe(first.sample);
  });

  it('rescaling asks for ε(c) without a run: PAG and SAG had it already, SAG with a tap', () => {
    const ddimConfig = { _class_name: 'DDIMScheduler' };
    expect(ran(step(rescaled(pag({ pagScale: 2, layers: [mid] }), 0.5), ddimConfig).calls)).toBe(2);
    expect(ran(step(rescaled(sag({ sagScale: 2, layer: mid }), 0.5), ddimConfig).calls)).toBe(2);
    expect(ran(step(rescaled(cfg(0), 0.5), ddimConfig).calls)).toBe(2);
  });

  it('a scheduler that reads a variance gets that of ε(c), even in a step that asks for no pass', () => {
    const learned = { _class_name: 'DDPMScheduler', variance_type: 'learned_range' };
    const zero = cfgZeroStar({ guidanceScale: 3, zeroInitSteps: 1 });
    const { calls, value } = step(zero, learned, { variance: true });
    expect(calls.map(({ passes }) => passes)).toEqual([[conditional]]);
    expect((value as { guided: Tensor }).guided.data.every((number) => number === 0)).toBe(true);
    expect(() => step(none, learned)).toThrow('needs a model that predicts a variance');
  });
});
