/** What the types forbid, but JavaScript lets pass: an InputError, and never a result that looks right. */
import { describe } from 'vitest';
import * as pag from '../src/index.ts';
import { encodePng } from '../src/node.ts';
import { any, areTold } from './are-told.ts';
import { noise, randomUNet, smallConfig } from './models/unet2d/models.ts';

const unet = randomUNet(smallConfig);
const backend = pag.referenceBackend();
const input = { sample: noise([1, 1, 8, 8]), timesteps: [10], classLabels: [0] };
const euler = { _class_name: 'EulerDiscreteScheduler' };
const features = (rows: number, columns: number) => noise([rows, columns]);

describe('misuse is told', () => {
  areTold([
    [
      'a mixer that is none',
      () => pag.pag({ pagScale: 1, layers: ['mid'], mixer: any('identity') }),
      /mixer is "identity"/,
    ],
    ['a mixer without a key', () => pag.pag({ pagScale: 1, layers: ['mid'], mixer: any({}) }), /mixer is \{\}/],
    [
      'costs of no layer',
      () => pag.guidedCost(unet, input, new Map([['nope', pag.identity]])),
      /selects no self-attention/,
    ],
    [
      'an eta that does nothing',
      () => pag.createScheduler(euler, 3, { eta: 0.9 }),
      /EulerDiscreteScheduler has no eta/,
    ],
    [
      'a layer perturbed twice',
      () => {
        const twice = new Map([
          ['mid', pag.identity],
          ['mid_block.attentions.0', pag.uniformAttention()],
        ]);
        return pag.runModel(unet, backend, input, { passes: [twice] });
      },
      /mid_block.attentions.0 is perturbed twice, by identity and, .* by uniform/,
    ],
    [
      'a pass that is no map',
      () => pag.runModel(unet, backend, input, { passes: [any({})] }),
      /must be a Map of layers/,
    ],
    [
      'taps that are no list',
      () => pag.runModel(unet, backend, input, { taps: any('mid_block') }),
      /taps is "mid_block"; it must be a list/,
    ],
    [
      'labels that are no list',
      () => pag.unetDenoiser(unet, backend, { labels: any(1) }),
      /labels is 1; it must be a list/,
    ],
    ['a config that is none', () => pag.parseUNetConfig(any([])), /a config must be an object/],
    ['features of two kinds', () => pag.precisionRecall(features(9, 3), features(9, 2)), /\[9, 3\].*\[9, 2\]/],
    ['no neighbour', () => pag.precisionRecall(features(9, 3), features(9, 3), 0), /k is 0/],
    [
      'a picture of two channels',
      () => encodePng(any({ width: 2, height: 1, channels: 2, pixels: new Uint8Array(4) })),
      /1 channel/,
    ],
    [
      'a picture of half a row',
      () => encodePng({ width: 2, height: 0.5, channels: 1, pixels: new Uint8Array(1) }),
      /whole numbers/,
    ],
    ['tensors in a map', () => pag.writeSafetensors(any(new Map())), /Object.fromEntries/],
    [
      'a tensor that is cut off',
      () => pag.writeSafetensors({ x: { ...noise([4]), shape: [5] } }),
      /"x" has shape \[5\], but 4/,
    ],
    ['metadata that is no text', () => pag.writeSafetensors({}, any({ step: 1 })), /must be texts/],
    ['logits for probabilities', () => pag.inceptionScore(features(4, 3)), /are these logits/],
    ['a grid of no columns', () => pag.grid([{ title: 'x', samples: input.sample }], 1, 0), /columns is 0/],
    ['a grid of no size', () => pag.grid([{ title: 'x', samples: input.sample }], NaN), /zoom is NaN/],
    [
      'a tensor for no memory',
      () => pag.zeros('f32', [1e15]),
      /not enough memory for a tensor of 1000000000000000 numbers/,
    ],
    ['endless rounds', () => pag.bootstrap(3, () => 0, { rounds: 5e9 }), /5000000000 rounds/],
    ['an option that is none', () => pag.simdBackend(any({ thread: 2 })), /no option thread; it has \{ threads, /],
    ['options that are none', () => pag.simdBackend(any(2)), /simdBackend is given 2; it takes \{ threads, /],
    [
      'too many threads',
      () => pag.simdBackend({ threads: 1e6 }),
      /threads is 1000000; it must be a whole number from 1 to 256/,
    ],
    [
      'an offset that is missing',
      () => pag.referenceKernels.affine(noise([2]), 2, any(undefined)),
      /offset is undefined/,
    ],
    [
      'a tensor for a number',
      () => pag.referenceKernels.divide(noise([2]), any(noise([2]))),
      /divisor is a tensor of shape \[2\]/,
    ],
    [
      'noise that is not finite',
      () =>
        pag.sampleToEnd({
          denoiser: pag.unetDenoiser(unet, backend, { labels: [0] }),
          guidance: pag.none,
          scheduler: pag.createScheduler({ _class_name: 'DDPMScheduler' }, 3),
          noise: input.sample,
          noiseSource: (shape) => pag.tensor('f32', shape, new Float32Array(64).fill(NaN)),
        }),
      /noiseSource gave a number that is not finite/,
    ],
  ]);
});
