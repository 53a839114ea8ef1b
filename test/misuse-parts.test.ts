/**
 * What stands around drawing (training, restoration, LoRA, pipelines, cases for ports, files) and is given what the
 * types forbid: told by one line that says what it must be.
 */
import { describe } from 'vitest';
import * as pag from '../src/index.ts';
import { encodeApng } from '../src/node.ts';
import { any, areTold } from './are-told.ts';
import { noise, randomUNet, smallConfig } from './models/unet2d/models.ts';

const unet = randomUNet(smallConfig);
const backend = pag.referenceBackend();
const x = noise([1, 1, 8, 8]);
const { randn } = pag.manualSeed(0);
const ddim = pag.createScheduler({ _class_name: 'DDIMScheduler' }, 3);

describe('a training', () => {
  const training = pag.createTraining(pag.parseTrainingConfig({ model: {}, steps: 4 }), unet);
  const state = pag.initialState(training);
  const pictures = { shape: [4, 1, 8, 8], data: new Uint8Array(256), labels: [0, 1, 0, 1] };
  const options = { size: 2, labelDropout: 0, nullLabel: undefined, offsetNoise: 0, stratified: true };
  const batch = pag.batchAt(pictures, options, 1000, 0, 0);
  const adamw = { learningRate: 1, beta1: 0.9, beta2: 0.9, eps: 1e-8, weightDecay: 0 };
  const moments = { expAvg: x, expAvgSq: x };
  areTold([
    ['of nothing, at its beginning', () => pag.initialState(any({})), 'the learner is {}; it must be a training, as'],
    ['without a learner', () => pag.trainingStep(any(unet), backend, state, batch), 'it must be a training, as'],
    ['by a name', () => pag.trainingStep(training, any('simd'), state, batch), 'the backend is "simd"; it must be'],
    ['without a state', () => pag.trainingStep(training, backend, any({}), batch), 'the state is {}; it must be one'],
    ['without a batch', () => pag.trainingStep(training, backend, state, any(undefined)), 'the batch is undefined; it'],
    [
      'at no timestep',
      () => pag.trainingStep(training, backend, state, { ...batch, timesteps: [1, 1000] }),
      'a timestep of the training is 1000; it must be a whole number from 0 to 999',
    ],
    ['of a list', () => pag.batchAt(any([]), options, 1000, 0, 0), 'the pictures is given []; it takes { shape, data'],
    [
      'of no picture',
      () => pag.batchAt({ shape: [0, 1, 8, 8], data: new Uint8Array(0) }, options, 1000, 0, 0),
      'the pictures: there are no pictures; their shape is [0, 1, 8, 8]',
    ],
    [
      'of plain numbers',
      () => pag.checkPictures(any({ ...pictures, data: [1] }), unet.config, undefined, 'mine'),
      'data is [1]; it must be a Uint8Array or a Float32Array',
    ],
    [
      'of half the pictures',
      () => pag.checkPictures({ ...pictures, data: new Uint8Array(128) }, unet.config, undefined, 'mine'),
      'mine: the shape is [4, 1, 8, 8], but there are 128 numbers',
    ],
    ['in batches of none', () => pag.batchAt(pictures, { ...options, size: 0 }, 1000, 0, 0), 'size is 0; it must be'],
    ['before its beginning', () => pag.batchAt(pictures, options, 1000, 0, -1), 'the step is -1; it must be a whole'],
    ['of half a seed', () => pag.batchAt(pictures, options, 1000, 0.5, 0), 'the seed is 0.5; it must be a whole'],
    ['of no timesteps', () => pag.batchAt(pictures, options, NaN, 0, 0), 'the number of timesteps is NaN'],
    [
      'with a gradient of another shape',
      () => pag.adamwStep(x, noise([2]), moments, 1, adamw),
      'gradient is [2] in f32',
    ],
    ['before the first step', () => pag.adamwStep(x, x, moments, 0, adamw), 'the step is 0; it must be a whole number'],
    ['without a rate', () => pag.adamwStep(x, x, moments, 1, any(undefined)), 'adamwStep is given undefined; it takes'],
    [
      'from a tensor',
      () => pag.readCheckpoint(any(x), state, any({})),
      'the file is a tensor of shape [1, 1, 8, 8]; it',
    ],
    ['kept without a state', () => pag.checkpointBytes(any({}), any({})), 'the state is undefined; it must be one, as'],
    [
      'by another schedule',
      () => pag.learningRateShare(any({ type: 'step', warmupSteps: 0 }), 1, 10),
      'the schedule is "step"; it must be "constant" or "cosine"',
    ],
    ['averaged over all', () => pag.exponentOfWidth(1), 'the width is 1; it must be a number above 0 and below 0.288'],
    ['averaged before it begins', () => pag.powerFunctionDecay(5, 0), 'the step is 0; it must be a whole number'],
    [
      'of x₀ by another name',
      () => pag.targetOf(any('x0'), x, x, []),
      'what is predicted is "x0"; it must be "epsilon"',
    ],
    [
      'of weights for nothing',
      () => pag.minSnrWeight(any('x0'), { signal: 1, noise: 1 }, 5),
      'what is predicted is "x0"',
    ],
    ['saved without a config', () => pag.modelFiles(any({}), unet.weights), 'modelConfig is undefined; it must be'],
  ]);
});

describe('a restoration', () => {
  const slope = pag.modelSlope(unet, backend, { classLabels: [0] });
  const broken = pag.mapElements(x, () => NaN);
  areTold([
    [
      'of no numbers',
      () => pag.restoring(ddim, { measurement: pag.everything, measured: broken, weight: 1 }, slope, x),
      'what was measured has NaN at index 0; it must hold finite numbers',
    ],
    [
      'by a condition with another key',
      () => pag.modelSlope(unet, backend, any({ labels: [0] })),
      'the condition has no labels; it has { classLabels, encoderHiddenStates',
    ],
    ['by no condition', () => pag.modelSlope(unet, backend, any(null)), 'the condition is null; it must be an object'],
    ['between no levels', () => pag.renoiseStep(x, any(1), any(2), x), 'a level is 1; it must be a level, as'],
  ]);
});

describe('a LoRA', () => {
  const weights = new Map([['a.weight', noise([4, 6])]]);
  const lora = (scale: number, updates: unknown) => any([{ source: 'mine', scale, updates }]);
  const update = { name: 'a.lora', module: 'a', down: noise([2, 6]), up: noise([4, 2]) };
  areTold([
    ['without updates', () => pag.mergeLora(weights, lora(1, undefined)), 'it must be a list of { source, updates'],
    ['of nothing', () => pag.mergeLora(weights, lora(1, [null])), 'an update of mine is null; it must be one, as'],
    [
      'that is too much',
      () => pag.mergeLora(weights, lora(1e300, [update])),
      /^a\.weight with what is merged into it, in f32, has -?Infinity at index 0; it must hold finite numbers$/,
    ],
    ['that is too much for f16', () => pag.mergeLora(weights, lora(1e9, [update]), 'f16'), 'merged into it, in f16,'],
  ]);
});

describe('a pipeline', () => {
  const none = any({});
  areTold([
    ['that is read by its path', () => pag.loadStableDiffusion(any('sd'), 'sd', 'f32'), 'what reads files is "sd"; it'],
    [
      'that is none',
      () => pag.promptConditions(none, backend, { prompts: ['a'] }),
      'the pipeline is {}; it must be one',
    ],
    ['without text encoders', () => pag.embedPrompts(none, backend, ['a']), 'the pipeline is {}; it must be one, as'],
    [
      'that is asked for a text',
      () => pag.embedPrompts(any({ texts: [] }), backend, any('a cat')),
      'the prompts is "a cat"; it must be a list of texts, as ["a cat"]',
    ],
    [
      'that has no decoder',
      () => pag.picturesOf(none, backend, x),
      'the pipeline is {}; it must be one, as loadStable',
    ],
    ['that has no encoder', () => pag.latentsOf(none, backend, x, 1, randn), 'the pipeline is {}; it must be one, as'],
    ['that has no UNet', () => pag.latentRun(none, backend, ddim, undefined, none), 'the pipeline is {}; it must be'],
    ['that is not derived', () => pag.latentSlopes(none, backend, {}), 'the pipeline is {}; it must be one, as load'],
    ['of no size', () => pag.pixelsPerLatent(none), 'the pipeline is {}; it must be one, as loadStableDiffusion'],
    [
      'whose autoencoder has a config as in a file',
      () => pag.createAutoencoderKL(any({ block_out_channels: [8] }), new Map()),
      'it must be what parseAutoencoderKLConfig makes of a config.json',
    ],
    [
      'whose small autoencoder has one',
      () => pag.createAutoencoderTiny(any({ latent_channels: 4 }), new Map()),
      'it must be what parseAutoencoderTinyConfig makes of a config.json',
    ],
    ['that is planned', () => pag.leastWork(none), 'models is undefined; it must be models, as { main: unet }'],
  ]);
});

describe('a port', () => {
  areTold([
    ['that was not checked', () => pag.findingsOf(any({}), any({})), 'what was checked is {}; it must be what check'],
    ['whose taps were not', () => pag.diagnosesOf(any({})), 'what was checked is {}; it must be what check gives'],
    [
      'without bands',
      () => pag.diagnose(any({}), new Map(), pag.formats.f32, any({})),
      'the bands is {}; it must be a Map of taps by name',
    ],
    [
      'without taps',
      () => pag.diagnose(new Map(), any({}), pag.formats.f32, any({})),
      'their taps is {}; it must be a Map of taps by name',
    ],
    [
      'of no case',
      () => pag.faultyTraces(any(null), pag.formats.f32, new Set()),
      'the case is null; it must be one, as readCase gives it',
    ],
  ]);
});

describe('files', () => {
  const picture = { width: 2, height: 2, channels: 1 as const, pixels: new Uint8Array(4) };
  const base = 'https://example.org/model/';
  const fetch = any(async () => ({ status: 404 }));
  areTold([
    [
      'with a number for a text',
      () => encodeApng([{ picture, milliseconds: 10 }], any({ seed: 3 })),
      'the text of "seed" is 3; it must be a text',
    ],
    ['by a number', () => pag.urlReader(base, { fetch })(any(3)), 'the path of a file is 3; it must be a text'],
    [
      'asked for with a number',
      () => pag.urlReader(base, { fetch, headers: any({ Range: 3 }) }),
      'headers is { Range }; it must be an object of texts',
    ],
    [
      'kept as text',
      () => pag.urlReader(base, { fetch, storage: any({ get: async () => 'text', set() {} }) })('config.json'),
      'what the storage gives of https://example.org/model/config.json is "text"; it must be a Uint8Array',
    ],
  ]);
});

describe('class labels that the model does not have', () => {
  areTold([
    [
      'for no class, although no pass asks for it',
      () => pag.unetDenoiser(unet, backend, { labels: [0], nullLabel: 99 }),
      /^class label 99 is outside the model's table: whole numbers from 0 to \d+$/,
    ],
    ['below 0', () => pag.unetDenoiser(unet, backend, { labels: [0], nullLabel: -1 }), 'class label -1 is outside'],
    ['between two', () => pag.unetDenoiser(unet, backend, { labels: [0], nullLabel: 1.5 }), 'class label 1.5 is out'],
    ['for a sample', () => pag.unetDenoiser(unet, backend, { labels: [0, 99] }), 'class label 99 is outside'],
    [
      'of a weak model',
      () =>
        pag.unetDenoiser(randomUNet({ ...smallConfig, num_class_embeds: 200 }), backend, { labels: [99], weak: unet }),
      'class label 99 is outside',
    ],
  ]);
});
