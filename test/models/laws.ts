/** Laws of UNets of all families, as folds over stages, and of the identity as an attention map: case by case. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { referenceBackend, referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import type { Model, ModelInput } from '../../src/models/model.ts';
import { runModel, unwatched } from '../../src/models/passes.ts';
import type { PictureState } from '../../src/models/picture-stages.ts';
import { unperturbed, type Perturbation, type Stage } from '../../src/models/stage.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import type { AttentionMixer } from '../../src/nn/attention.ts';
import type { Context } from '../../src/nn/context.ts';
import { zeros } from '../../src/tensor/tensor.ts';

const backend = referenceBackend();

/** A UNet, some of its self-attention layers, and what it is given. */
export interface Case<State extends PictureState> {
  readonly unet: Model<unknown, ModelInput, State>;
  readonly layers: readonly string[];
  readonly input: ModelInput;
}

/** Some layers of any of the UNets, with an input for it. */
export function casesOf<Config, State extends PictureState>(
  unets: fc.Arbitrary<Model<Config, ModelInput, State>>,
  inputsFor: (unet: Model<Config, ModelInput, State>) => fc.Arbitrary<ModelInput>,
): fc.Arbitrary<Case<State>> {
  return unets.chain((unet) =>
    fc.record({
      unet: fc.constant(unet),
      layers: fc.subarray([...unet.attentionLayers], { minLength: 1 }),
      input: inputsFor(unet),
    }),
  );
}

export function perturb(mixer: AttentionMixer, layers: readonly string[]): Perturbation {
  return new Map(layers.map((layer) => [layer, mixer]));
}

/** Attention with a map, [B,h,N,N], that is the identity matrix, written out. */
const writtenOut: AttentionMixer = {
  key: 'identity, written out',
  mix({ value, heads }) {
    const [batch, tokens] = value.shape;
    const map = zeros(value.dtype, [batch, heads, tokens, tokens]);
    for (let row = 0; row < batch * heads * tokens; row++) map.data[row * tokens + (row % tokens)] = 1;
    return kernels.applyAttentionMap(map, value);
  },
};

/** The identity perturbation is attention whose map is the identity matrix. */
export function expectIdentityIsItsMap<State extends PictureState>({ unet, layers, input }: Case<State>): void {
  const passes = [perturb(identity, layers), perturb(writtenOut, layers)];
  const [short, long] = runModel(unet, backend, input, { passes }).predictions;
  expect(short).toEqual(long);
}

/** The same model, and the state before each of its stages, once it has run. */
function recording<State>(model: Model<unknown, ModelInput, State>): { model: typeof model; states: State[] } {
  const states: State[] = [];
  const stages = model.stages.map(
    (stage): Stage<State> => ({
      ...stage,
      run(context, state, perturbation) {
        states.push(state);
        return stage.run(context, state, perturbation);
      },
    }),
  );
  return { model: { ...model, stages, programs: new Map() }, states };
}

/** A run can be resumed from any stage, as often as one likes. */
export function expectResumable<State extends PictureState>({ unet, layers, input }: Case<State>): void {
  const silent: Context = { kernels, weights: unet.weights, ...unwatched };
  for (const perturbation of [unperturbed, perturb(identity, layers)]) {
    const { model, states } = recording(unet);
    const [expected] = runModel(model, backend, input, { passes: [perturbation] }).predictions;
    expect(states).toHaveLength(unet.stages.length);
    states.forEach((state, start) => {
      const resumed = unet.stages
        .slice(start)
        .reduce((current, stage) => stage.run(silent, current, perturbation), state);
      expect(resumed.hidden, `from ${unet.stages[start].path}`).toEqual(expected);
      expect(resumed.skips).toHaveLength(0);
    });
  }
}

/** A pass is perturbed from the first of the layers on, and not before. */
export function expectSharedUpToLayers<State extends PictureState>({ unet, layers, input }: Case<State>): void {
  const { taps } = runModel(unet, backend, input, { passes: [unperturbed, perturb(identity, layers)], taps: ['*'] });
  const stages = unet.stages.map(({ path }) => path);
  const first = stages.findIndex((path) => layers.includes(path));
  stages.forEach((path, i) => expect(`1:${path}` in taps, path).toBe(i >= first));
}
