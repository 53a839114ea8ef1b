/** Mistakes in the embedding of time and class, and in how the parts of the UNet are joined. */
import { inConfig, inKernels, type Fault } from './fault.ts';

function inTimestep(name: string, says: string, change: (t: number) => number): Fault {
  return { name, says, apply: (one) => ({ ...one, timestep: (t) => change(one.timestep(t)) }) };
}

/** Mistakes in the embedding of time and class, and in the wiring of the UNet. */
export const timeAndWiringFaults: readonly Fault[] = [
  inConfig('flip-sin-to-cos', 'swap sines and cosines of the time embedding (flip_sin_to_cos)', ({ flipSinToCos }) => ({
    flipSinToCos: !flipSinToCos,
  })),
  inConfig('freq-shift', 'use the other freq_shift: 0 where it is 1, or 1 where it is 0', ({ freqShift }) => ({
    freqShift: freqShift === 0 ? 1 : 0,
  })),
  {
    name: 'sine-cosine-interleaved',
    says: 'write sine and cosine by turns where all of the one come before all of the other',
    apply: (one) => ({
      ...one,
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
  },
  inTimestep('timestep-plus-one', 'give the model t + 1 where t is meant', (t) => t + 1),
  inTimestep('timestep-minus-one', 'give the model t − 1 where t is meant', (t) => Math.max(0, t - 1)),
  inTimestep('timestep-normalised', 'give the model t/1000 where t is meant', (t) => t / 1000),
  {
    name: 'timestep-is-index',
    says: 'give the model the number of the step where the timestep is meant',
    apply: (one) => ({ ...one, modelTimestep: (_, index) => index }),
  },
  {
    name: 'timestep-is-sigma',
    says: 'give the model σ = √((1 − ᾱ)/ᾱ) where the timestep is meant',
    apply: (one) => ({
      ...one,
      modelTimestep: (scheduler, index) => {
        const { signal, noise } = scheduler.levelAt(index);
        return noise / signal;
      },
    }),
  },
  {
    name: 'timestep-of-next-step',
    says: 'give the model the timestep of the next step',
    apply: (one) => ({
      ...one,
      modelTimestep: (scheduler, index) => scheduler.timesteps[Math.min(index + 1, scheduler.timesteps.length - 1)],
    }),
  },
  inKernels(
    'time-mlp-without-activation',
    'leave out the activation between the two layers of the time embedding, and before it is projected',
    (k) => ({
      activation: (x, kind) => (x.shape.length === 2 ? x : k.activation(x, kind)),
    }),
  ),
  inKernels('class-embedding-missing', 'do not add the class embedding to the time embedding', (k) => ({
    add: (a, b) => (a.shape.length === 2 && b.shape.length === 2 ? a : k.add(a, b)),
  })),
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
    concatChannels: (a, b) => k.concatChannels(b, a),
  })),
  {
    name: 'skips-swapped',
    says: 'take the skips of the way down in the wrong order where two of them have one shape',
    apply: (one) => ({
      ...one,
      stages: (stages) =>
        one.stages(stages).map((stage) => ({
          ...stage,
          run: (context, state, perturbation) => {
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
  },
];
