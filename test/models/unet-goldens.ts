/** Whole UNets of any family against diffusers, module by module, and the fast kernels against the plain loops. */
import { afterAll, describe, expect, it } from 'vitest';
import type { SafetensorsFile } from '../../src/formats/safetensors.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Model, ModelInput } from '../../src/models/model.ts';
import { runModel } from '../../src/models/passes.ts';
import type { Perturbation } from '../../src/models/stage.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenNames, goldenOf } from '../agreement.ts';
import { expectSameBits } from '../kernels/simd/support.ts';

/** A model with what it is given in the goldens. */
export interface GoldenModel<Config> {
  readonly config: Config;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly file: SafetensorsFile;
  /** The perturbed layers of each pass. */
  readonly passes: Readonly<Record<string, readonly string[]>>;
  readonly input: ModelInput;
}

const perturb = (layers: readonly string[]): Perturbation => new Map(layers.map((layer) => [layer, identity]));

/**
 * Returns what describes the tests of a model. Its `create` makes the model in some precision; `unstored` are taps of
 * ours that have no golden. The backends are disposed of after the file's tests.
 */
export function unetGoldens<Config, State>(
  create: (config: Config, weights: ReadonlyMap<string, Tensor>, dtype?: DType) => Model<Config, ModelInput, State>,
  unstored: RegExp,
): (golden: GoldenModel<Config>) => void {
  const reference = referenceBackend();
  const fast = [simdBackend(), simdBackend({ threads: 2 })];
  afterAll(() => fast.forEach((backend) => backend.dispose()));

  /** All taps of one pass, and its `prediction`. */
  const forward = (
    unet: Model<Config, ModelInput, State>,
    input: ModelInput,
    layers: readonly string[],
  ): Readonly<Record<string, Tensor>> => {
    const { taps, predictions } = runModel(unet, reference, input, { passes: [perturb(layers)], taps: ['*'] });
    return { ...taps, prediction: predictions[0] };
  };

  return ({ config, weights, file, passes, input }) => {
    describe.each(['f32', 'f64'] as const)('in %s', (dtype) => {
      const unet = create(config, weights, dtype);
      it.each(Object.entries(passes))('agrees at every tap, pass "%s"', (pass, layers) => {
        const ours = forward(unet, input, layers);
        const names = goldenNames(file, `${pass}/`);
        expect(names.length).toBeGreaterThan(pass === 'plain' ? 40 : 2);
        const wrong = names.map((tap) => [tap, disagreement(ours[tap], goldenOf(file, `${pass}/${tap}`))]);
        expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
      });
    });

    it('shows every module that diffusers has, and no other', () => {
      const ours = Object.keys(forward(create(config, weights), input, []));
      const shown = ours.filter((tap) => !unstored.test(tap));
      expect(shown.sort()).toEqual([...goldenNames(file, 'plain/')].sort());
    });

    it.each(fast.map((backend, i) => [i + 1, backend] as const))(
      'has the same bits with SIMD kernels, threads: %d',
      (_threads, backend) => {
        const unet = create(config, weights);
        const options = { passes: Object.values(passes).map(perturb), taps: ['*'] };
        const [ours, expected] = [backend, reference].map((each) => runModel(unet, each, input, options));
        expectSameBits(ours.taps, expected.taps);
        expect(ours.predictions).toEqual(expected.predictions);
      },
    );
  };
}
