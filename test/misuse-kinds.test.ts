/**
 * What is of another kind than it should be (a model for a pass, a list for a number, JSON for a config), has a key
 * that nobody reads, or numbers that are none: told by one line that says what it must be.
 */
import { describe, expect, it } from 'vitest';
import * as pag from '../src/index.ts';
import { any, areTold } from './are-told.ts';
import { noise, randomUNet, randomWeights, smallConfig } from './models/unet2d/models.ts';

const unet = randomUNet(smallConfig);
const config = pag.parseUNetConfig(smallConfig);
const { normEps: _lost, ...withoutEps } = config;
const weights = randomWeights(config, 1);
const backend = pag.referenceBackend();
const kernels = pag.referenceKernels;
const input = { sample: noise([1, 1, 8, 8]), timesteps: [10], classLabels: [0] };
const denoiser = pag.unetDenoiser(unet, backend, { labels: [0], nullLabel: 3 });
const { randn } = pag.manualSeed(0);
const run = (changed: object): unknown =>
  pag.sampleToEnd({
    denoiser,
    guidance: pag.none,
    scheduler: pag.createScheduler({ _class_name: 'DDPMScheduler' }, 3),
    noise: input.sample,
    noiseSource: randn,
    ...changed,
  });
const layers = ['mid'];
const x = noise([1, 4, 2, 2]);

/** The weights, one of them changed. */
const changed = (name: string, change: (weight: pag.Tensor) => unknown) =>
  new Map([...weights].map(([key, value]) => [key, key === name ? any(change(value)) : value] as const));
const spoilt = (value: number) => (weight: pag.Tensor) => ({
  ...weight,
  data: weight.data.map((number, i) => (i === 2 ? value : number)),
});
const short = (tensor: pag.Tensor) => ({ ...tensor, data: tensor.data.slice(1) });
const context: pag.GuidanceContext = {
  attentionLayers: unet.attentionLayers,
  hasNullCondition: true,
  hasWeakModel: true,
};

describe('weights', () => {
  areTold([
    [
      'with NaN',
      () => pag.createUNet(config, changed('conv_in.bias', spoilt(NaN))),
      '"conv_in.bias" has NaN at index 2',
    ],
    [
      'with an infinity',
      () => pag.createUNet(config, changed('conv_in.bias', spoilt(-Infinity)), 'f32', 'file'),
      'file: "conv_in.bias" has -Infinity at index 2; it must hold finite numbers',
    ],
    ['too short', () => pag.createUNet(config, changed('conv_in.bias', short)), 'has shape [4], but 3 numbers'],
    [
      'that are no tensors',
      () =>
        pag.createUNet(
          config,
          changed('conv_in.bias', () => [0, 0, 0, 0]),
        ),
      '"conv_in.bias" is [0, 0, 0, 0]; it must be a tensor',
    ],
    [
      'in an object',
      () => pag.createUNet(config, any(Object.fromEntries(weights))),
      /^the weights is \{ .* \}; it must be a Map of tensors by name, as new Map\(Object.entries\(tensors\)\)$/,
    ],
    ['left out', () => pag.createUNet(config, any(undefined)), 'the weights is undefined; it must be a Map'],
    ['of no dtype', () => pag.createUNet(config, weights, any('int8')), 'there is no dtype "int8"'],
    ['of a classifier in an object', () => pag.createClassifier(any({})), 'the classifier is {}; it must be a Map'],
  ]);
});

describe('a config', () => {
  areTold([
    [
      'as it stands in a file',
      () => pag.createUNet(any(smallConfig), weights),
      /it must be what parseUNetConfig makes/,
    ],
    ['that is none', () => pag.initialWeights(any(undefined), pag.manualSeed(0)), 'the config is undefined'],
    ['that lacks a key', () => pag.unetArchitecture(any(withoutEps)), 'whose normEps is undefined'],
    ['with a number for a list', () => pag.unetArchitecture(any({ ...config, blockOutChannels: 8 })), 'Channels is 8'],
    [
      'of initial weights, with a seed',
      () => pag.initialWeights(config, any(0)),
      'the generator is 0; it must be a gen',
    ],
  ]);
});

describe('tensors', () => {
  areTold([
    ['a number for a shape', () => randn(any(4)), 'a shape is 4; it must be a list, as [2, 3]'],
    ['no memory for noise', () => randn([1e12]), 'there is not enough memory for a tensor of 1000000000000 numbers'],
    ['nothing to add', () => pag.add(x, any(undefined)), 'add: the second operand is undefined; it must be a tensor'],
    [
      'a short operand',
      () => pag.subtract(any(short(x)), x),
      'subtract: the first operand has shape [1, 4, 2, 2], but 15',
    ],
    ['nothing to scale', () => pag.scale(any(null), 2), 'scale: x is null; it must be a tensor'],
    [
      'a text for a factor',
      () => pag.scale(x, any('2')),
      'scale: the number is "2"; it must be one for all samples, or',
    ],
    ['no factor', () => pag.lerp(x, x, any(undefined)), 'scale: the number is undefined'],
    ['one list for terms', () => pag.combine(any([1, x])), 'it must be a list of pairs [factor, tensor]'],
    ['a list cast', () => pag.cast(any([1, 2]), 'f16'), 'what is cast is [1, 2]; it must be a tensor'],
    ['a list reshaped', () => pag.reshape(any([1, 2]), [2]), 'there is no dtype undefined'],
    ['an extent of a list', () => pag.extentOf(any([1, 2]), 0), '[1, 2] is no tensor'],
    ['a mean of a list', () => pag.mean(any([1, 2])), 'mean: x is [1, 2]'],
    ['a norm of numbers', () => pag.norm(any(Float32Array.of(1, 2))), 'dot: the first operand is a Float32Array'],
    ['a correction of 2', () => pag.std(x, any(2)), 'std: the correction is 2; it must be 0 or 1'],
    ['no quantile', () => pag.absQuantile(x, any(null)), 'q must lie in [0, 1], but is null'],
    ['no function', () => pag.mapElements(x, any(2)), 'mapElements: f is 2; it must be a function'],
    ['a row of no table', () => pag.lookUp(any([[1]]), [0]), 'the table is [[…]]; it must be a tensor'],
    ['one timestep', () => pag.sinusoid(any(1), 4, true, 0, 'f32'), 'timesteps is 1; it must be a list of numbers'],
    ['a formula of lists', () => pag.ddimStep(any([1]), x, 0.5, 0.6, 0), 'scale: x is [1]; it must be a tensor'],
  ]);
});

describe('kernels', () => {
  areTold([
    ['of nothing', () => kernels.softmax(any(undefined)), 'softmax: undefined is no tensor'],
    [
      'of too few numbers',
      () => kernels.softmax(any(short(x))),
      'softmax: tensor 1 has shape [1, 4, 2, 2], but 15 numbers',
    ],
    [
      'of a list of numbers',
      () => kernels.concatBatch(any(x)),
      'concatBatch: it takes a list of tensors, not a tensor',
    ],
    [
      'without padding',
      () => kernels.conv2d(x, noise([1, 4, 1, 1]), undefined, 1, any(undefined)),
      /padding .* undefined/,
    ],
    [
      'with too much padding',
      () => kernels.conv2d(x, noise([1, 4, 1, 1]), undefined, 1, pag.evenPadding(1e9)),
      'there is not enough memory',
    ],
    [
      'with the definition, too',
      () => pag.definitionKernels.conv2d(x, noise([1, 4, 1, 1]), undefined, 1, pag.evenPadding(1e9)),
      'there is not enough memory',
    ],
    [
      'with a null for no bias',
      () => kernels.linear(noise([2, 3]), noise([2, 3]), any(null)),
      'linear: null is no tensor',
    ],
    [
      'joined, of too few numbers',
      () => kernels.joinedConv2d(x, any(short(noise([1, 4, 1, 1]))), undefined, 1, pag.evenPadding(0), 2),
      'joinedConv2d: tensor 2 has shape [1, 4, 1, 1], but 3 numbers',
    ],
    ['with an eps of null', () => kernels.groupNorm(x, 2, noise([4]), noise([4]), any(null)), 'eps is null'],
    ['of no operation', () => pag.shapeOf(any({ kind: 'conv3d' }), [[1]]), 'there is no operation "conv3d"; there are'],
    ['in a program that is none', () => backend.run(any('add'), {}), 'the program is "add"; it must be a function'],
    [
      'in a program without inputs',
      () => pag.simdBackend().run((_, given) => given, any(undefined)),
      'what a program is run with is undefined; it must be an object of tensors by name',
    ],
    [
      'in a program with a list for a tensor',
      () => pag.simdBackend().run((_, given) => given, any({ x: [1, 2] })),
      'the input "x" of the program is [1, 2]; it must be a tensor',
    ],
    [
      'in a program that gives nothing',
      () =>
        backend.run(
          any(() => {}),
          { x },
        ),
      'what the program gives is undefined',
    ],
    [
      'in a traced program that gives nothing',
      () =>
        pag.simdBackend().run(
          any(() => ({ y: undefined })),
          { x },
        ),
      'the result "y" of the program is undefined; it must be a tensor',
    ],
    [
      'of a trace without a program',
      () => pag.traceProgram(any(undefined), { x }, kernels),
      'the program is undefined',
    ],
    ['of layers without weights', () => pag.linear(any({ kernels }), 'a', x), 'weights is undefined; it must be a Map'],
    ['wide as a text', () => pag.simdBackend({ wide: any('yes') }), 'wide is "yes"; it must be true or false'],
  ]);
});

describe('the options of a guidance: unknown', () => {
  const known: readonly (readonly [name: string, make: (extra: object) => unknown])[] = [
    ['pag', (extra) => pag.pag({ pagScale: 1, layers, ...extra })],
    ['cfgPag', (extra) => pag.cfgPag(2, { pagScale: 1, layers, ...extra })],
    ['softPag', (extra) => pag.softPag({ pagScale: 1, lambda: 0.5, layers, ...extra })],
    ['pagApg', (extra) => pag.pagApg({ pagScale: 1, layers, ...extra })],
    ['apg', (extra) => pag.apg({ guidanceScale: 2, ...extra })],
    ['seg', (extra) => pag.seg({ segScale: 1, blurSigma: 1, layers, ...extra })],
    ['slg', (extra) => pag.slg({ slgScale: 1, layers, ...extra })],
    ['sag', (extra) => pag.sag({ sagScale: 1, layer: 'mid', ...extra })],
    ['cfgZeroStar', (extra) => pag.cfgZeroStar({ guidanceScale: 2, zeroInitSteps: 0, ...extra })],
    ['mamboG', (extra) => pag.mamboG({ guidanceScale: 2, alpha: 1, ...extra })],
    ['autoGuidance', (extra) => pag.autoGuidance({ guidanceScale: 2, ...extra })],
    [
      'awayFrom',
      (extra) => pag.awayFrom({ name: 'mine', guidanceScale: 1, scaleAt: () => 1, perturbed: pag.weakModel, ...extra }),
    ],
    ['during', (extra) => pag.during(pag.none, { unit: 'step', from: 0, ...extra })],
    ['additiveNoise', (extra) => pag.additiveNoise({ strength: 1, seed: 0, ...extra })],
    ['randomMask', (extra) => pag.randomMask({ probability: 0.5, seed: 0, ...extra })],
    ['unetDenoiser', (extra) => pag.unetDenoiser(unet, backend, { labels: [0], ...extra })],
    ['runModel', (extra) => pag.runModel(unet, backend, input, { taps: [], ...extra })],
    ['bootstrap', (extra) => pag.bootstrap(3, () => 0, { rounds: 3, ...extra })],
    ['simdBackend', (extra) => pag.simdBackend({ threads: 1, ...extra })],
  ];

  it.each(known)('keys of %s', (name, make) => {
    expect(() => make({})).not.toThrow();
    expect(() => make({ scael: 3 })).toThrow(pag.InputError);
    expect(() => make({ scael: 3 })).toThrow(new RegExp(`^${name} has no option scael; it has \\{ \\w+(, \\w+)* \\}$`));
  });

  areTold([
    [
      'the scale of another guidance',
      () => pag.pag(any({ pagScale: 1, layers, guidanceScale: 7 })),
      'pag has no option guidanceScale; it has { pagScale, pagAdaptiveScale, pagAdaptiveRule, layers, mixer }',
    ],
    [
      'a misspelt scale',
      () => pag.pag(any({ pagScale: 1, layers, pagAdaptivScale: 0.1 })),
      'no option pagAdaptivScale',
    ],
    [
      'a mixer of SoftPAG',
      () => pag.softPag(any({ pagScale: 1, lambda: 0, layers, mixer: pag.identity })),
      'softPag has no',
    ],
    [
      'an adaptive scale of PAG and APG',
      () => pag.pagApg(any({ pagScale: 1, layers, pagAdaptiveScale: 0.1 })),
      'pagApg has no option pagAdaptiveScale; it has { pagScale, layers, mixer, eta, normThreshold, momentum }',
    ],
    ['a number for the options', () => pag.pag(any(3)), 'pag is given 3; it takes { pagScale, '],
    ['nothing for the options', () => pag.seg(any(undefined)), 'seg is given undefined; it takes { segScale, '],
    ['a number for the scales of FDG', () => pag.fdg(any(3)), 'guidanceScales is 3; it must be a list'],
    [
      'the options of CFG',
      () => pag.cfg(any({ guidanceScale: 2 })),
      'guidanceScale is { guidanceScale }; it must be a f',
    ],
  ]);
});

describe('a guidance whose options are of the wrong kind', () => {
  const wrong = [null, [2], '2', true] as const;
  it.each<[string, (value: never) => unknown]>([
    ['pagAdaptiveScale', (value) => pag.pag({ pagScale: 1, layers, pagAdaptiveScale: value })],
    ['alpha', (alpha) => pag.mamboG({ guidanceScale: 2, alpha })],
    ['eta', (eta) => pag.apg({ guidanceScale: 2, eta })],
    ['momentum', (momentum) => pag.apg({ guidanceScale: 2, momentum })],
    ['normThreshold', (normThreshold) => pag.pagApg({ pagScale: 2, layers, normThreshold })],
    ['blurSigma', (blurSigma) => pag.seg({ segScale: 1, blurSigma, layers })],
    ['blurSigma', (blurSigma) => pag.sag({ sagScale: 1, layer: 'mid', blurSigma })],
    ['blurWindow', (blurWindow) => pag.sag({ sagScale: 1, layer: 'mid', blurWindow })],
    ['zeroInitSteps', (zeroInitSteps) => pag.cfgZeroStar({ guidanceScale: 2, zeroInitSteps })],
    ['from', (from) => pag.during(pag.none, { unit: 'step', from })],
    ['strength', (strength) => pag.additiveNoise({ strength, seed: 0 })],
    ['seed', (seed) => pag.randomMask({ probability: 0.5, seed })],
    ['the blur σ', (sigma) => pag.queryBlur(sigma)],
    ['layers', (value) => pag.perturbed(value, pag.skipAttention)],
  ])('%s', (name, make) => {
    for (const value of wrong) {
      if (name === 'layers' && Array.isArray(value)) continue;
      expect(() => make(value as never)).toThrow(pag.InputError);
      expect(() => make(value as never)).toThrow(new RegExp(`^${name} is .*; it must be `));
    }
  });

  areTold([
    ['a λ of null', () => pag.softIdentity(any(null)), 'a λ of SoftPAG is null; it must be a number from 0 to 1'],
    ['a λ of text', () => pag.softPag({ pagScale: 1, layers, lambda: any(['0.5']) }), 'a λ of SoftPAG is "0.5"'],
    [
      'a model for a weak pass',
      () => pag.autoGuidance({ guidanceScale: 2, weak: any(unet) }),
      /^weak is \{ family, .*; it must be a pass, as perturbed\(\["mid"\], skipAttention\) or weakModel$/,
    ],
    [
      'a mixer for a weak pass',
      () => pag.autoGuidance({ guidanceScale: 2, weak: any(pag.skipAttention) }),
      'weak is {',
    ],
    [
      'options for a guidance',
      () => pag.rescaled(any({ pagScale: 1 }), 0.5),
      'the guidance is { pagScale }; it must be a',
    ],
    [
      'a name for a guidance',
      () => pag.during(any('pag'), { unit: 'step' }),
      'the guidance is "pag"; it must be a guida',
    ],
    [
      'no interval',
      () => pag.during(pag.none, any(undefined)),
      'during is given undefined; it takes { unit, from, to }',
    ],
    ['shares for bounds', () => pag.during(pag.none, any({ start: 0.2, stop: 0.8 })), 'during has no option start'],
    ['a scale of nothing', () => pag.push(x, any(undefined), x), 'a scale is undefined; it must be a number'],
    ['a push of nothing', () => pag.push(any(undefined), 2, x), 'undefined is no tensor'],
    [
      'no values for the registry',
      () => pag.createGuidance('pag', any(undefined), context),
      'is undefined; it must be an',
    ],
    [
      'no context for the registry',
      () => pag.createGuidance('pag', {}, any(undefined)),
      'the context of a guidance is given undefined; it takes { attentionLayers,',
    ],
    [
      'a context that does not say all',
      () => pag.createGuidance('pag', {}, any({ attentionLayers: [] })),
      'hasNullCondition is undefined; it must be true or false',
    ],
    ['a null for a parameter', () => pag.createGuidance('pag', { pagScale: any(null) }, context), 'pagScale is "null"'],
  ]);
});

describe('what classifiers, measurements and schedulers are made of', () => {
  const letters = any({ predicts: 'classes' });
  areTold([
    ['a slope of nothing', () => pag.modelSlope(any(undefined), backend), 'the model is undefined; it must be a model'],
    ['a slope without a backend', () => pag.modelSlope(unet, any(undefined)), 'the backend is undefined'],
    [
      'a class of a UNet',
      () => pag.classSlope(any(unet), backend, [0]),
      'classSlope wants a model that predicts classes',
    ],
    ['a class of nothing', () => pag.classSlope(letters, backend, [0]), 'the classifier is {'],
    ['a measurement of nothing', () => pag.measure(any(undefined), x), 'the measurement is undefined'],
    ['no size', () => pag.measureBack(pag.everything, x, any(undefined)), 'the size of the picture is undefined'],
    [
      'no config',
      () => pag.createSchedulerOf(pag.DDIMScheduler, any(null), 3),
      'the config is null; it must be an object',
    ],
    ['no choices', () => pag.createSchedulerOf(pag.DDIMScheduler, {}, 3, any(3)), 'what is chosen is 3'],
    ['no URL', () => pag.urlReader(any(undefined)), 'the folder is undefined; it must be a URL'],
  ]);

  it('a reader of texts', async () => {
    const reading = pag.loadModelFolder(
      any(async () => '{}'),
      'x',
    );
    await expect(reading).rejects.toThrow('it must be a Uint8Array, or undefined where there is no file');
    await expect(reading).rejects.toMatchObject({ name: 'InputError' });
  });

  it('a worker that is none: this thread computes, and why is told', async () => {
    const reasons: string[] = [];
    const model = { config: unet.config, weights: unet.weights };
    const sampler = await pag.openSampler(model, { worker: () => any({}), onFallback: (why) => reasons.push(why) });
    sampler.close();
    expect(sampler.offThread).toBe(false);
    expect(reasons[0]).toContain('what is started is {}; it must be a worker');
  });
});

describe('a model', () => {
  areTold([
    [
      'that is none',
      () => pag.runModel(any(undefined), backend, input),
      'the model is undefined; it must be a model, as',
    ],
    ['that is a config', () => pag.unetDenoiser(any(config), backend), 'main is { sampleSize, '],
    [
      'that is an architecture',
      () => pag.runModel(any(pag.unetArchitecture(config)), backend, input),
      'must be a model',
    ],
    [
      'without a backend',
      () => pag.runModel(unet, any(undefined), input),
      'the backend is undefined; it must be a Backend',
    ],
    [
      'on the name of a backend',
      () => pag.unetDenoiser(unet, any('simd'), {}),
      'the backend is "simd"; it must be a Back',
    ],
    [
      'on kernels that are a backend',
      () => pag.traceModel(unet, any(backend), input, [], () => any({})),
      'the kernels is',
    ],
    ['without an input', () => pag.runModel(unet, backend, any(undefined)), 'the input of a model is undefined'],
    [
      'without a sample',
      () => pag.runModel(unet, backend, any({ timesteps: [1] })),
      'the sample is undefined; it must be',
    ],
    [
      'with a short sample',
      () => pag.runModel(unet, backend, { ...input, sample: any(short(input.sample)) }),
      'but 63',
    ],
    [
      'with NaN in its sample',
      () => pag.runModel(unet, backend, { ...input, sample: spoilt(NaN)(input.sample) }),
      'the input "sample" of the model has NaN at index 2; it must hold finite numbers',
    ],
    [
      'at a time of text',
      () => pag.runModel(unet, backend, { ...input, timesteps: any(['2']) }),
      'timesteps is ["2"]; it',
    ],
    [
      'at one time',
      () => pag.runModel(unet, backend, { ...input, timesteps: any(2) }),
      'timesteps is 2; it must be a list',
    ],
    [
      'beyond all time',
      () => pag.runModel(unet, backend, { ...input, timesteps: [1e300] }),
      'a timestep is 1e+300; it m',
    ],
    [
      'of noise levels, at 0',
      () =>
        pag.runModel(randomUNet({ ...smallConfig, time_embedding_type: 'fourier' }), backend, {
          ...input,
          timesteps: [0],
        }),
      'the input "time" of the model has',
    ],
    [
      'for a label of text',
      () => pag.runModel(unet, backend, { ...input, classLabels: any(['2']) }),
      'a class label is "2"; it must be a finite number',
    ],
    [
      'for one label',
      () => pag.runModel(unet, backend, { ...input, classLabels: any(2) }),
      'the class labels are 2; they',
    ],
    ['for a null label of text', () => pag.unetDenoiser(unet, backend, { nullLabel: any('3') }), 'nullLabel is "3"'],
    [
      'for conditions that are numbers',
      () => pag.denoiserOf({ main: unet }, backend, any({ given: 0 })),
      'the conditions',
    ],
    [
      'perturbed by a name',
      () => pag.runModel(unet, backend, input, { passes: [new Map([['mid', any('identity')]])] }),
      'the mixer of "mid" is "identity"; it must be an AttentionMixer',
    ],
    ['weak, by a key of its own', () => pag.denoiserOf(any({ main: unet, week: unet }), backend, {}), 'no option week'],
    ['asked for a pass that is none', () => denoiser.predict(input.sample, 1, any([unet])), 'a pass is { family, '],
    ['of no cost', () => pag.passCost(unet, input, any(undefined)), 'passes is undefined; it must be a list of Maps'],
    ['of a cost without time', () => pag.passCost(unet, any({ sample: input.sample }), []), 'timesteps is undefined'],
    [
      'with one layer',
      () => pag.selectLayers(any('mid'), unet.attentionLayers),
      'selectors is "mid"; it must be a list',
    ],
    ['without stages', () => pag.sitesOf(any(unet)), 'stages is { family, '],
  ]);
});

describe('a run', () => {
  const answer = (output: unknown) => ({ predict: () => [{ output, taps: {} }] });
  areTold([
    [
      'that is none',
      () => pag.sampleToEnd(any(undefined)),
      'a run is given undefined; it takes { denoiser, guidance, ',
    ],
    [
      'of a model',
      () => run({ denoiser: unet }),
      /^denoiser is \{ .* must be a denoiser, as unetDenoiser\(model, backend\)$/,
    ],
    [
      'without a guidance',
      () => run({ guidance: undefined }),
      'guidance is undefined; it must be a guidance, as none or',
    ],
    ['with the name of a guidance', () => run({ guidance: 'pag' }), 'guidance is "pag"; it must be a guidance'],
    [
      'with a config for a scheduler',
      () => run({ scheduler: { _class_name: 'DDIMScheduler' } }),
      'must be a scheduler, as',
    ],
    [
      'with a shape for noise',
      () => run({ noise: [1, 1, 8, 8] }),
      'noise is [1, 1, 8, 8]; it must be a tensor [B,C,H,W]',
    ],
    [
      'with a generator for a source',
      () => run({ noiseSource: pag.manualSeed(0) }),
      'noiseSource is { rand, randn, randperm, clone }; it must be a function of a shape, as manualSeed(0).randn',
    ],
    [
      'with a seed for a generator',
      () => pag.noiseFrom(any([7]), 'f32'),
      'a generator is 7; it must be one, as manualSeed',
    ],
    [
      'with a source of lists',
      () => run({ noiseSource: () => [1] }),
      'what noiseSource gives is [1]; it must be a tensor',
    ],
    [
      'whose denoiser predicts NaN',
      () => run({ denoiser: answer(spoilt(NaN)(input.sample)) }),
      'at step 0 (timestep 666) the model predicts numbers that are not finite',
    ],
    [
      'whose denoiser predicts lists',
      () => run({ denoiser: answer([1]) }),
      "the denoiser's output is [1]; it must be a te",
    ],
    [
      'whose denoiser predicts nothing',
      () => run({ denoiser: { predict: () => undefined } }),
      'predicts is undefined; it',
    ],
    [
      'whose denoiser predicts doubles',
      () => run({ denoiser: answer(pag.cast(input.sample, 'f64')) }),
      'in f64 for a pict',
    ],
    [
      'whose denoiser predicts a part',
      () => run({ denoiser: answer(noise([1, 1, 4, 4])) }),
      'predicts [1, 1, 4, 4] in f32',
    ],
    [
      'whose guidance overflows',
      () => run({ guidance: { name: 'mine', guide: () => spoilt(Infinity)(input.sample) } }),
      'step 0 (timestep 666) gave numbers that are not finite',
    ],
    [
      'whose guidance gives nothing',
      () => run({ guidance: { name: 'mine', guide: () => undefined } }),
      'what the guidance "mine" gives is undefined; it must be a tensor',
    ],
    [
      'whose scheduler overflows in the last step',
      () => {
        const scheduler = pag.createScheduler({ _class_name: 'DDIMScheduler' }, 3);
        const step: typeof scheduler.step = (state, given) => {
          const result = scheduler.step(state, given);
          return given.index === 2 ? { ...result, sample: spoilt(NaN)(result.sample) } : result;
        };
        return run({ scheduler: { ...scheduler, step } });
      },
      'step 2 (timestep 0) gave numbers that are not finite',
    ],
    [
      'of SAG in a layer that is none',
      () => run({ guidance: pag.sag({ sagScale: 1, layer: 'nonsense' }) }),
      '"nonsense" selects no self-attention layer; the model has down_blocks.1.attentions.0, ',
    ],
  ]);

  it('of SAG names its layer as all others do', () => {
    const drawn = ['mid', 'mid_block.attentions.0'].map((layer) =>
      run({ guidance: pag.sag({ sagScale: 1, layer }), noiseSource: pag.manualSeed(2).randn }),
    );
    expect(drawn[0]).toEqual(drawn[1]);
  });
});

const inpainting = { picture: input.sample, mask: noise([1, 1, 8, 8]) };
const ddim = pag.createScheduler({ _class_name: 'DDIMScheduler' }, 3);
const autoencoder = any({ config: {} });

describe('a picture, a file', () => {
  areTold([
    [
      'of a tensor, grey',
      () => pag.toGrey(any(x)),
      'the picture is a tensor of shape [1, 4, 2, 2]; it must be a picture',
    ],
    [
      'left out',
      () => pag.pictureTensor(any(undefined), 3, 'f32'),
      'the picture is undefined; it must be a picture, as',
    ],
    ['of a tensor, as a mask', () => pag.maskTensor(any([1]), 'f32'), 'the picture is [1]; it must be a picture'],
    ['in a grid of tensors', () => pag.grid(any([x])), 'the title of a row is undefined; it must be a text'],
    ['in a grid of no list', () => pag.grid(any(x)), 'must be a list of rows { title, samples }'],
    [
      'in a grid of titles',
      () => pag.grid(any([{ title: 'x' }])),
      'the samples of a row is undefined; it must be a tensor',
    ],
    [
      'in a grid with a text for its zoom',
      () => pag.grid([{ title: 'x', samples: x }], any('2')),
      'zoom is "2"; it must',
    ],
    [
      'by its name',
      () => pag.parseSafetensors(any('model.safetensors'), 'x'),
      'must be the bytes of a file, a Uint8Array',
    ],
    [
      'without a name',
      () => pag.parseSafetensors(new Uint8Array(8), any(undefined)),
      'the source is undefined; it must',
    ],
    [
      'of bytes, read',
      () => pag.readTensors(any(new Uint8Array(8))),
      'it must be a file, as parseSafetensors gives it',
    ],
    [
      'of nothing, read',
      () => pag.readTensor(any(undefined), 'x'),
      'the file is undefined; it must be a file, as parse',
    ],
    ['written of a Map', () => pag.writeSafetensors(any(new Map([['x', x]]))), 'as Object.fromEntries(map)'],
    ['written of numbers', () => pag.writeSafetensors(any({ x: [1] })), 'the tensor "x" is [1]; it must be a tensor'],
  ]);

  it.each([
    ['a model', () => pag.loadModelFolder(any('models/letters'), 'x')],
    ['a tokenizer', () => pag.loadTokenizer(any('models/letters'), '', 'x')],
    ['a file', () => pag.readSafetensors(any('models/letters'), 'a', 'x')],
    ['a case', () => pag.readCase(any('cases/x'), 'x', any(undefined))],
  ])('%s that is to be read from a path', async (_what, load) => {
    await expect(load()).rejects.toThrow(
      /what reads files is ".*"; it must be a function that reads a file of a folder/,
    );
    await expect(load()).rejects.toThrow(pag.InputError);
  });
});

describe('a part of a run', () => {
  areTold([
    [
      'without a scheduler',
      () => pag.noisedPicture(any(undefined), x, x),
      'the scheduler is undefined; it must be a sched',
    ],
    ['from no picture', () => pag.noisedPicture(ddim, any([1]), x), 'the picture is [1]; it must be a tensor'],
    ['of no samples', () => pag.forEachSample(x, any(null)), 'the samples is null; it must be a tensor'],
    [
      'with a text for its strength',
      () => pag.stepsLeftOut(10, any('0.5')),
      'the strength is "0.5"; expected a number',
    ],
    [
      'that replaces, without a scheduler',
      () => pag.replacing(any({}), inpainting, x),
      'the scheduler is {}; it must be',
    ],
    [
      'that replaces by nothing',
      () => pag.replacing(ddim, any(undefined), x),
      'an inpainting is given undefined; it takes',
    ],
    [
      'that replaces with a misspelt mask',
      () => pag.replacing(ddim, any({ ...inpainting, masks: x }), x),
      'an inpainting has no option masks; it has { picture, mask }',
    ],
    [
      'that repaints, without a scheduler',
      () => pag.repainting(any(7), inpainting, x),
      'the scheduler is 7; it must be',
    ],
    ['of PAG without a scale', () => pag.pagScaleAt(any({}), { timestep: 9 }), 'pagScale is undefined; it must be'],
    [
      'of PAG at no timestep',
      () => pag.pagScaleAt({ pagScale: 1 }, any(9)),
      'the step is given 9; it takes { timestep }',
    ],
    ['with one pass of nothing', () => pag.predictOne(any(undefined), any({})), 'the step that a guidance is given'],
    [
      'of an operation that is none',
      () => pag.applyOperation(kernels, any(undefined), [x]),
      'there is no operation undef',
    ],
  ]);
});

describe('an autoencoder, a text encoder', () => {
  areTold([
    [
      'that is none, decoding',
      () => pag.decodeLatents(any(undefined), backend, x),
      'the model is undefined; it must be an',
    ],
    [
      'of half its parts',
      () => pag.encodePicture(autoencoder, backend, x),
      'the model is { config }; it must be an autoenc',
    ],
    ['small, that is none', () => pag.decodeLatentsTiny(any(unet), backend, x), 'it must be an autoencoder, as'],
    [
      'of weights in an object',
      () => pag.createAutoencoderKL(pag.parseAutoencoderKLConfig({}), any({})),
      'the weights is {}; it must be a Map',
    ],
    [
      'that is none, reading',
      () => pag.encodeText(any({}), backend, { inputIds: [[1]] }),
      'the model is {}; it must be a mod',
    ],
  ]);
});

describe('a measure', () => {
  areTold([
    ['of a list', () => pag.fitGaussian(any([[1, 2]])), 'a table of numbers is [[…]]; it must be a tensor'],
    ['of features for a Gaussian', () => pag.frechetDistance(any(noise([3, 2])), any({})), 'as fitGaussian(features)'],
    [
      'of half a Gaussian',
      () => pag.frechetDistance(pag.fitGaussian(noise([3, 2])), any({})),
      'the second Gaussian is {}',
    ],
    ['of one set', () => pag.precisionRecall(noise([9, 3]), any(undefined)), 'a table of numbers is undefined'],
    ['without a statistic', () => pag.bootstrap(3, any(undefined)), 'statistic is undefined; it must be a function'],
    [
      'of a count of things that is none',
      () => pag.bootstrap(any([1, 2]), () => 0),
      'count is [1, 2]; it must be a whole',
    ],
    [
      'by a classifier that is none',
      () => pag.classify(any({}), backend, x),
      'the classifier is {}; it must be one, as',
    ],
    [
      'of a case that is none',
      () => pag.check(any({}), any({}), pag.formats.f32),
      /the case is \{\}; it must be one, as readC/,
    ],
    [
      'in the name of a format',
      () => pag.check(any({}), any({}), any('f32')),
      'the format is "f32"; it must be one of',
    ],
  ]);
});
