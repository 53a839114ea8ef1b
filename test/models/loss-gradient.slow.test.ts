/**
 * The gradient of a model's error against PyTorch: eleven small UNets and two that are told of texts, with all their
 * parameters, and the letters model;
 * the bits of every backend; what cannot be derived.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { inputNames } from '../../src/cli/model-input.ts';
import { readTensor, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import { definitionBackend } from '../../src/kernels/definition/index.ts';
import { referenceBackend, referenceKernels } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { lower } from '../../src/kernels/simd/lower/lower.ts';
import { rules } from '../../src/kernels/simd/lower/rules.ts';
import { layOut } from '../../src/kernels/simd/memory/buffers.ts';
import { heap } from '../../src/kernels/simd/memory/heap.ts';
import { weightStore } from '../../src/kernels/simd/memory/weights.ts';
import { traceProgram } from '../../src/kernels/trace.ts';
import {
  lossGradient,
  lossGradientProgram,
  type LossGradient,
  type LossGradientOptions,
} from '../../src/models/loss-gradient.ts';
import type { Model, ModelInput } from '../../src/models/model.ts';
import { parametersOf } from '../../src/models/stage.ts';
import { createUNet, type UNet } from '../../src/models/unet2d/unet.ts';
import { createUNetCondition } from '../../src/models/unet2d-condition/unet-condition.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { zeros, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf, gradientDisagreement, gradientGoldens } from '../agreement.ts';
import { dtypesOfLarge, firstOf, thorough } from '../thorough.ts';
import { loadFixtureModel, openGoldens } from '../goldens.ts';
import { expectSameBits } from '../kernels/bits.ts';
import { inner } from '../kernels/gradients/support.ts';
import { goldenInput, goldenModels } from './unet2d/golden-models.ts';
import { noise, randomUNet, smallConfig } from './unet2d/models.ts';
import { goldenModel } from './unet2d-condition/golden-models.ts';
import {
  inputOf as conditionInput,
  randomUNet as randomCondition,
  smallConfig as smallConditionConfig,
} from './unet2d-condition/models.ts';

/** A model by its precision, and what it is given. */
interface GoldenRun {
  readonly model: (dtype: DType) => Model<unknown, ModelInput, unknown>;
  readonly input: ModelInput;
}

const ofPictures =
  (folder: string) =>
  async (file: SafetensorsFile): Promise<GoldenRun> => {
    const { config, weights } = await loadFixtureModel(folder);
    return { model: (dtype) => createUNet(config, weights, dtype), input: goldenInput(file, config) };
  };
const ofTexts = (name: 'sd-1' | 'sd-xl') => async (): Promise<GoldenRun> => {
  const { config, weights, input } = await goldenModel(name);
  return { model: (dtype) => createUNetCondition(config, weights, dtype), input };
};
const models = [
  ...goldenModels.map((name) => [name, `gradients/unet-${name}`, ofPictures(`goldens/unets/${name}`)] as const),
  ['letters', 'gradients/letters', ofPictures('letters/model')] as const,
  ...(['sd-1', 'sd-xl'] as const).map((name) => [name, `text/gradients/${name}`, ofTexts(name)] as const),
];

const reference = referenceBackend();
const fast = [simdBackend(), simdBackend({ threads: 2 })];
afterAll(() => fast.forEach((backend) => backend.dispose()));

/** Each compiles every model anew; on two threads runs the code of one. */
const someFast = fast.slice(thorough ? 0 : 1);

/** The models that are compiled in every run of the tests: what the others have besides is in test/kernels/simd. */
const compiled: readonly string[] = ['classic', 'fourier', 'learned-time', 'skips', 'letters', 'sd-1', 'sd-xl'];

/** By the names of `pag gradient`. */
function named({ loss, sample, parameters, embeddings }: LossGradient): ReadonlyMap<string, Tensor> {
  return new Map([
    ['loss', loss],
    ['grad.sample', sample],
    ...[...embeddings].map(([name, value]) => [`grad.${inputNames[name]}`, value] as const),
    ...[...parameters].map(([name, value]) => [`grad.${name}`, value] as const),
  ]);
}

describe.each(models)('the gradients of %s', async (name, path, open) => {
  // The loops take seconds for the letters, and are held to the fast kernels by all others.
  const isSmall = name !== 'letters' || thorough;
  const file = openGoldens(`${path}.safetensors`);
  const { model, input } = await open(file);
  const goldens = gradientGoldens(file);
  const target = readTensor(file, 'target');
  const gradientsOf = (dtype: DType, backend = isSmall ? reference : fast[0]): ReadonlyMap<string, Tensor> =>
    named(lossGradient(model(dtype), backend, input, target));
  const found = new Map<DType, ReadonlyMap<string, Tensor>>();

  it.each(isSmall ? (['f32', 'f64'] as const) : dtypesOfLarge)('agree with those of PyTorch, %s', (dtype) => {
    const ours = gradientsOf(dtype);
    found.set(dtype, ours);
    expect([...ours.keys()].sort()).toEqual(['loss', ...goldens.keys()].sort());
    expect(disagreement(ours.get('loss'), goldenOf(file, 'loss'))).toBeUndefined();
    const wrong = [...goldens].map(([key, golden]) => [key, gradientDisagreement(ours.get(key), golden)]);
    expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
  });

  it('are known to 2e-5 of what was summed, by PyTorch, too', () => {
    const shares = [...goldens.values()].flatMap(({ largest }) => [largest.rms, largest.max]);
    expect(Math.max(...shares)).toBeLessThan(2e-5);
  });

  it.runIf(thorough || compiled.includes(name))('have the same bits with SIMD kernels', () => {
    const expected = found.get('f32') ?? gradientsOf('f32');
    for (const backend of someFast)
      for (const [key, value] of gradientsOf('f32', backend)) expectSameBits(value, expected.get(key) as Tensor);
  });
});

it('of the letters model leaves nothing to the plain loops', async () => {
  const { config, weights } = await loadFixtureModel('letters/model');
  const unet = createUNet(config, weights);
  const sample = noise([2, 1, 32, 32]);
  const steps = new Set<string>();
  const backend = simdBackend({ watch: ({ name }) => steps.add(name) });
  lossGradient(unet, backend, { sample, timesteps: [901, 17], classLabels: [3, 0] }, sample);
  backend.dispose();
  expect([...steps].filter((name) => name.startsWith('plain'))).toEqual([]);
  expect([...steps].some((name) => name.startsWith('weight gradient'))).toBe(true);
});

/** That the gradient is the slope of the loss in some direction of all weights and the sample. */
function expectSlope<Input extends ModelInput>(
  model: Model<unknown, Input, unknown>,
  input: Input,
  target: Tensor,
): void {
  const learned = parametersOf(model.stages).filter(({ module }) => module !== 'fourier');
  const directions = new Map(learned.map(({ name, shape }, i) => [name, noise(shape, 100 + i, 'f64')] as const));
  const ofSample = noise(input.sample.shape, 99, 'f64');
  const moved = (x: Tensor, v: Tensor | undefined, h: number): Tensor =>
    v ? { ...x, data: x.data.map((y, i) => y + h * v.data[i]) } : x;
  const lossAt = (h: number): number => {
    const weights = new Map([...model.weights].map(([name, value]) => [name, moved(value, directions.get(name), h)]));
    const sample = moved(input.sample, ofSample, h);
    return lossGradient({ ...model, weights }, reference, { ...input, sample }, target).loss.data[0];
  };
  const h = 1e-6;
  const slope = (lossAt(h) - lossAt(-h)) / (2 * h);
  const { sample, parameters } = lossGradient(model, reference, input, target);
  const dot = (a: Tensor, b: Tensor): number => inner(a, b).value;
  const ours = [...parameters].reduce(
    (sum, [name, value]) => sum + dot(value, directions.get(name) as Tensor),
    dot(sample, ofSample),
  );
  expect(Math.abs(slope / ours - 1)).toBeLessThan(1e-7);
}

describe('of a UNet that is told of texts', () => {
  const random = [
    ['small', smallConditionConfig],
    ['of classes', { ...smallConditionConfig, num_class_embeds: 4 }],
    ['with linear projections', { ...smallConditionConfig, use_linear_projection: true, only_cross_attention: true }],
  ] as const;
  const inputFor = (config: object): ModelInput => ({
    ...conditionInput(3, [4, 8]),
    ...('num_class_embeds' in config && { classLabels: [2] }),
  });
  const target = noise([1, 2, 4, 8], 5);

  it.each(random)('the gradient is what the loss does, %s', (_name, config) => {
    const input = inputFor(config);
    expectSlope(randomCondition(config, 2, 'f64'), { ...input, sample: cast(input.sample, 'f64') }, target);
  });

  it('of a text for all samples is the sum of theirs; for the sample alone there is none', () => {
    const unet = randomCondition(smallConditionConfig, 2, 'f64');
    const { sample, timesteps, encoderHiddenStates } = conditionInput(3, [4, 8]);
    const text = cast(encoderHiddenStates as Tensor, 'f64');
    const stack = (parts: readonly Tensor[]): Tensor => referenceKernels.concatBatch(parts);
    const pair = { timesteps, sample: stack([sample, noise(sample.shape, 6)]) };
    const [each, both] = [stack([text, text]), stack([target, target])];
    const run = (encoderHiddenStates: Tensor, options: LossGradientOptions = {}): Tensor | undefined =>
      lossGradient(unet, reference, { ...pair, encoderHiddenStates }, both, options).embeddings.get(
        'encoderHiddenStates',
      );
    const [whole, apart] = [run(text), run(each)] as [Tensor, Tensor];
    expect([whole.shape, apart.shape]).toEqual([text.shape, each.shape]);
    const size = whole.data.length;
    whole.data.forEach((value, i) => expect(value).toBe(apart.data[i] + apart.data[size + i]));
    expect(run(text, { for: 'sample' })).toBeUndefined();
  });

  it.each(firstOf(random))('every backend has the same bits, with checkpoints, too, %s', (_name, config) => {
    const unet = randomCondition(config, 2);
    const expected = named(lossGradient(unet, reference, inputFor(config), target));
    for (const backend of [reference, ...someFast])
      for (const checkpointing of backend === reference ? [true] : [false, true])
        for (const [key, value] of named(lossGradient(unet, backend, inputFor(config), target, { checkpointing })))
          expectSameBits(value, expected.get(key) as Tensor);
  });
});

describe('with checkpoints', () => {
  it.each(firstOf(['skips', 'one-block', 'two-layers']))('the gradients of %s have the same bits', async (name) => {
    const { config, weights } = await loadFixtureModel(`goldens/unets/${name}`);
    const file = openGoldens(`gradients/unet-${name}.safetensors`);
    const [input, target] = [goldenInput(file, config), readTensor(file, 'target')];
    const unet = createUNet(config, weights);
    // Those of the loops, too: the backends have been held to one another above.
    const expected = named(lossGradient(unet, fast[0], input, target));
    for (const backend of [reference, ...someFast]) {
      const ours = named(lossGradient(unet, backend, input, target, { checkpointing: true }));
      expect([...ours.keys()]).toEqual([...expected.keys()]);
      for (const [key, value] of ours) expectSameBits(value, expected.get(key) as Tensor);
    }
  });

  it('the letters model takes less than two thirds of the memory', async () => {
    const { config, weights } = await loadFixtureModel('letters/model');
    const unet = createUNet(config, weights);
    const sample = noise([8, 1, 32, 32]);
    const weightNames = parametersOf(unet.stages).filter(({ module }) => module !== 'embedding');
    const given = {
      ...unet.tensors({ sample, timesteps: [901], classLabels: [3] }, weights, 'f32'),
      target: sample,
      ...Object.fromEntries(weightNames.map(({ name }) => [`weight:${name}`, weights.get(name) as Tensor])),
    };
    const bytesOf = (checkpointing: boolean): number => {
      const graph = traceProgram(lossGradientProgram(unet, { checkpointing }), given, referenceKernels);
      const store = weightStore(heap(new WebAssembly.Memory({ initial: 2 })));
      return layOut(lower(graph, rules, { threads: 1, panel: 8 }, store).buffers);
    };
    const [all, less] = [bytesOf(false), bytesOf(true)];
    expect(less).toBeLessThan((2 / 3) * all);
  });
});

describe('for the sample alone', () => {
  const unet = randomUNet();
  const input: ModelInput = { sample: noise([2, 1, 8, 8]), timesteps: [901, 17], classLabels: [3, 0] };
  const target = noise([2, 1, 8, 8], 8);

  it('is the gradient of the sample, and no other', () => {
    const all = lossGradient(unet, reference, input, target);
    for (const backend of [reference, ...someFast]) {
      const { loss, sample, parameters } = lossGradient(unet, backend, input, target, { for: 'sample' });
      expect(parameters.size).toBe(0);
      expectSameBits(loss, all.loss);
      expectSameBits(sample, all.sample);
    }
  });

  it('computes no gradient of a weight', () => {
    const steps = new Set<string>();
    const backend = simdBackend({ watch: ({ name }) => steps.add(name.replace(/ .*/, '')) });
    lossGradient(unet, backend, input, target, { for: 'sample' });
    backend.dispose();
    expect(steps).toContain('conv');
    expect(steps).not.toContain('weight');
  });

  it('is refused where it is no such option', () => {
    const run = (options: unknown) => () => lossGradient(unet, reference, input, target, options as never);
    expect(run({ for: 'weights' })).toThrow(/for is "weights"; it must be 'sample'/);
    expect(run({ checkpointing: 1 })).toThrow(/checkpointing is 1; it must be true or false/);
    expect(run({ checkpoint: true })).toThrow(/lossGradient has no option checkpoint/);
    expect(run({ importance: [1] })).toThrow(/the importance is/);
  });
});

describe('the gradient of a loss', () => {
  const input: ModelInput = { sample: noise([2, 1, 8, 8]), timesteps: [901, 17], classLabels: [3, 0] };
  const target = noise([2, 1, 8, 8], 8);
  const wide: ModelInput = { ...input, sample: noise([2, 1, 8, 8], 7, 'f64') };

  it('is what the loss does when all weights, and the sample, are moved at once', () => {
    expectSlope(randomUNet(undefined, 1, 'f64'), wide, target);
  });

  it.each(['f64', 'f32', 'f16', 'bf16'] as const)('has the bits of the definitions, %s', (dtype) => {
    const unet = randomUNet(undefined, 1, dtype);
    const [ours, expected] = [reference, definitionBackend()].map((backend) =>
      named(lossGradient(unet, backend, input, target)),
    );
    for (const [name, value] of expected) {
      expect(value.dtype).toBe(dtype);
      expect(value.data.every(Number.isFinite), name).toBe(true);
      expectSameBits(ours.get(name) as Tensor, value);
    }
  });

  it('changes with the weights, from one run to the next of one backend', () => {
    const unet = randomUNet();
    const other: UNet = { ...unet, weights: randomUNet(undefined, 2).weights };
    for (const model of [unet, other, unet]) {
      const expected = named(lossGradient(model, reference, input, target));
      for (const [name, value] of named(lossGradient(model, fast[0], input, target)))
        expectSameBits(value, expected.get(name) as Tensor);
    }
  });

  it('adds up what comes back to a row of the table of classes; rows that nobody asked for get nothing', () => {
    const unet = randomUNet(undefined, 1, 'f64');
    const both: ModelInput = { ...wide, classLabels: [2] };
    const { parameters } = lossGradient(unet, reference, both, target);
    const table = parameters.get('class_embedding.weight') as Tensor;
    const [, size] = table.shape;
    expect([...table.data].map((value) => value !== 0)).toEqual(
      Array.from({ length: 4 * size }, (_, i) => Math.floor(i / size) === 2),
    );
  });

  it('is refused where there is none, in one line', () => {
    const unet = randomUNet();
    const run = (model: UNet, given: ModelInput, wanted: Tensor): (() => unknown) => {
      return () => lossGradient(model, reference, given, wanted);
    };
    expect(run(unet, input, zeros('f32', [2, 1, 8, 4]))).toThrow(
      'the target has shape [2, 1, 8, 4]; it must have that of the sample, [2, 1, 8, 8]',
    );
    expect(run(unet, input, { ...target, data: target.data.map(() => NaN) })).toThrow(/"target".*finite numbers/);
    expect(run(unet, { ...input, classLabels: [9, 0] }, target)).toThrow(/class label 9/);
    const { learning: _, ...strange } = unet;
    expect(run(strange, input, target)).toThrow(/^there is no gradient of a UNet2DModel; there is one of/);
    expect(() => lossGradientProgram(undefined as never)).toThrow(/the architecture is undefined; it must be/);
    const narrow = randomUNet({ ...smallConfig, in_channels: 2 });
    const two = { ...input, sample: noise([2, 2, 8, 8]) };
    expect(run(narrow, two, noise([2, 2, 8, 8]))).toThrow(/predicts 1 channels of a sample of 2/);
  });
});
