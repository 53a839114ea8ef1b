/** Mistakes in the embedding of time and class, and in how the parts of the UNet are joined. */
import { roundTo } from '../../tensor/rounding.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { PictureState } from '../../models/picture-stages.ts';
import { sameShape, type Tensor } from '../../tensor/tensor.ts';
import { inConfig, inKernels, inKernelsOf, inParts, type Fault } from './fault.ts';

function inTimestep(name: string, says: string, change: (t: number) => number): Fault {
  return inParts(name, says, (one) => ({ timestep: (t) => change(one.timestep(t)) }));
}

function inLabels(name: string, says: string, change: (labels: readonly number[]) => readonly number[]): Fault {
  return inParts(name, says, (one) => ({ labels: (labels) => change(one.labels(labels)) }));
}

/** Mistakes in the embedding of time and class, and in the wiring of the UNet. */
export const timeAndWiringFaults: readonly Fault[] = [
  inConfig('flip-sin-to-cos', 'swap sines and cosines of the time embedding (flip_sin_to_cos)', ({ flipSinToCos }) => ({
    flipSinToCos: !flipSinToCos,
  })),
  inConfig('freq-shift', 'use the other freq_shift: 0 where it is 1, or 1 where it is 0', ({ freqShift }) => ({
    freqShift: freqShift === 0 ? 1 : 0,
  })),
  inParts(
    'sine-cosine-interleaved',
    'write sine and cosine by turns where all of the one come before all of the other',
    (one) => ({
      sinusoid: (timesteps, size, cosineFirst, shift, dtype) => {
        const y = one.sinusoid(timesteps, size, cosineFirst, shift, dtype);
        const half = Math.floor(size / 2);
        return {
          ...y,
          data: y.data.map((value, at) => {
            const i = at % size;
            return i >= 2 * half ? value : y.data[at - i + (i % 2) * half + Math.floor(i / 2)];
          }),
        };
      },
    }),
  ),
  inTimestep('timestep-plus-one', 'give the model t + 1 where t is meant', (t) => t + 1),
  inTimestep('timestep-minus-one', 'give the model t − 1 where t is meant', (t) => Math.max(0, t - 1)),
  inTimestep('timestep-in-bfloat16', 'round the timestep to bfloat16, which has 1000 for 999', (t) =>
    roundTo('bf16', t),
  ),
  inTimestep('timestep-normalised', 'give the model t/1000 where t is meant', (t) => t / 1000),
  inParts('timestep-is-index', 'give the model the number of the step where the timestep is meant', () => ({
    modelTimestep: (_, index) => index,
  })),
  inParts('timestep-is-sigma', 'give the model σ = √((1 − ᾱ)/ᾱ) where the timestep is meant', () => ({
    modelTimestep: (scheduler, index) => {
      const { signal, noise } = scheduler.levelAt(index);
      return noise / signal;
    },
  })),
  inParts('timestep-of-next-step', 'give the model the timestep of the next step', () => ({
    modelTimestep: (scheduler, index) => scheduler.timesteps[Math.min(index + 1, scheduler.timesteps.length - 1)],
  })),
  inKernels(
    'time-mlp-without-activation',
    'leave out the activation between the two layers of the time embedding, and before it is projected',
    (k) => ({
      activation: (x, kind) => (x.shape.length === 2 ? x : k.activation(x, kind)),
    }),
  ),
  inKernels(
    'class-embedding-missing',
    'do not add the class embedding (of SDXL that of text and sizes) to the time embedding',
    (k) => ({
      add: (a, b) => (a.shape.length === 2 && b.shape.length === 2 ? a : k.add(a, b)),
    }),
  ),
  inKernels('class-embedding-twice', 'add the class embedding (of SDXL that of text and sizes) twice', (k) => ({
    add: (a, b) => (a.shape.length === 2 && b.shape.length === 2 ? k.add(k.add(a, b), b) : k.add(a, b)),
  })),
  inLabels('class-of-first-sample', 'give all samples the class of the first', (labels) =>
    labels.map(() => labels[0] ?? 0),
  ),
  inLabels('class-plus-one', 'count classes from 1: the class after the one that is meant', (labels) =>
    labels.map((label) => label + 1),
  ),
  inLabels('class-minus-one', 'take the class before the one that is meant', (labels) =>
    labels.map((label) => label - 1),
  ),
  inKernels('time-missing', 'do not add the projected time in the residual blocks', (k) => ({
    add: (a, b) => (a.shape.length === 4 && b.shape.length === 2 ? a : k.add(a, b)),
  })),
  inConfig('input-not-centred', 'leave out 2x − 1 at the input (center_input_sample)', () => ({
    centerInputSample: false,
  })),
  inConfig('middle-scale-ignored', 'leave out the division by mid_block_scale_factor', () => ({
    midBlockScaleFactor: 1,
  })),
  inKernels('skip-first', 'join [skip, hidden] where [hidden, skip] is meant', (k) => ({
    concatChannels: (a, b) => (a.shape.length === 4 ? k.concatChannels(b, a) : k.concatChannels(a, b)),
  })),
  inParts(
    'skips-swapped',
    'take the skips of the way down in the wrong order where two of them have one shape',
    (one) => ({
      stages: (stages) =>
        one.stages(stages).map((stage) => ({
          ...stage,
          run: (context, state, perturbation) => {
            if (!hasSkips(state)) return stage.run(context, state, perturbation);
            const [lower, upper] = state.skips.slice(-2);
            const isSwapped =
              stage.kind === 'resnet' &&
              stage.path.startsWith('up_blocks') &&
              upper !== undefined &&
              lower.shape.join() === upper.shape.join();
            return stage.run(
              context,
              isSwapped ? { ...state, skips: [...state.skips.slice(0, -2), upper, lower] } : state,
              perturbation,
            );
          },
        })),
    }),
  ),
  inKernelsOf(
    ({ kind }) => kind === 'resnet',
    'shortcut-of-normed',
    'take the shortcut of a residual block behind its first norm, where the input itself is meant',
    shortcutOfNormed,
  ),
];

function hasSkips<State extends object>(state: State): state is State & Pick<PictureState, 'skips'> {
  return 'skips' in state;
}

/** Kernels of one run of a residual block whose convolution of single pixels is given what its first norm gave. */
function shortcutOfNormed(k: Kernels): Partial<Kernels> {
  let normed: Tensor | undefined;
  const isShortcut = (x: Tensor, weight: Tensor): boolean =>
    weight.shape[2] === 1 && normed !== undefined && sameShape(normed.shape, x.shape);
  return {
    groupNorm(x, ...rest) {
      const y = k.groupNorm(x, ...rest);
      normed ??= y;
      return y;
    },
    conv2d: (x, weight, ...rest) => k.conv2d(isShortcut(x, weight) ? (normed ?? x) : x, weight, ...rest),
    joinedConv2d: (x, weight, bias, stride, padding, seam) =>
      isShortcut(x, weight)
        ? k.conv2d(normed ?? x, weight, bias, stride, padding)
        : k.joinedConv2d(x, weight, bias, stride, padding, seam),
  };
}
