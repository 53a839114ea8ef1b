/**
 * The noise-aware classifier against plain PyTorch: what it says, the slope of log p(y|x), and the gradients of its
 * weights; in every backend with the same bits.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { classifierKind } from '../../../src/formats/classifier-folder.ts';
import { readNumbers, readTensor } from '../../../src/formats/safetensors.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { classGradient } from '../../../src/models/class-gradient.ts';
import { runModel } from '../../../src/models/passes.ts';
import { createUNetClassifier } from '../../../src/models/unet2d-classifier/unet-classifier.ts';
import { mapElements } from '../../../src/tensor/arithmetic.ts';
import { cast } from '../../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../../src/tensor/tensor.ts';
import { disagreement, goldenNames, goldenOf } from '../../agreement.ts';
import { loadFixtureFiles, openGoldens } from '../../goldens.ts';
import { expectSameBits } from '../../kernels/bits.ts';

const reference = referenceBackend();
const simd = simdBackend();
afterAll(() => simd.dispose());

const most = ({ data }: Tensor): number => Math.max(...[...data].map(Math.abs));

describe.each(['default', 'scale-shift'])('%s', async (name) => {
  const file = openGoldens(`classifier/${name}.safetensors`);
  const { config, weights } = await loadFixtureFiles(`goldens/classifier/${name}`, classifierKind);
  const numbersOf = (key: string): readonly number[] => readNumbers(file, key).numbers;
  const inputOf = (dtype: DType) => ({
    sample: cast(readTensor(file, 'sample'), dtype),
    timesteps: numbersOf('timestep'),
  });
  const labels = numbersOf('labels');

  it.each(['f32', 'f64'] as const)('says what PyTorch says, %s', (dtype) => {
    const model = createUNetClassifier(config, weights, dtype);
    const [logits] = runModel(model, reference, inputOf(dtype)).predictions;
    expect(disagreement(logits, goldenOf(file, 'logits'))).toBeUndefined();
    const options = { for: 'sample', reduction: 'sum' } as const;
    const found = classGradient(model, reference, inputOf(dtype), labels, options);
    expect(found.logits).toEqual(logits);
    const slope = mapElements(found.sample, (value) => -value);
    expect(disagreement(slope, goldenOf(file, 'slope'))).toBeUndefined();
  });

  it.each([
    ['f32', 2e-5],
    ['f64', 1e-10],
  ] as const)('its weights have the gradients of PyTorch, %s: to %d of the largest', (dtype, share) => {
    const model = createUNetClassifier(config, weights, dtype);
    const { parameters, loss } = classGradient(model, reference, inputOf(dtype), labels);
    const truth = new Map(goldenNames(file, 'grad.').map((key) => [key, goldenOf(file, `grad.${key}`).truth]));
    expect([...parameters.keys()].sort()).toEqual([...truth.keys()].sort());
    const size = Math.max(...[...truth.values()].map(most));
    for (const [key, value] of parameters)
      expect(most(mapElements(value, (x, i) => x - truth.get(key)!.data[i])), key).toBeLessThan(share * size);
    expect(Math.abs(loss / goldenOf(file, 'loss').truth.data[0] - 1)).toBeLessThan(share);
  });

  it('has the same bits in all backends, with checkpoints, too', () => {
    const model = createUNetClassifier(config, weights);
    const expected = classGradient(model, reference, inputOf('f32'), labels);
    for (const backend of [reference, simd])
      for (const checkpointing of [false, true]) {
        const found = classGradient(model, backend, inputOf('f32'), labels, { checkpointing });
        expectSameBits(found.logits, expected.logits);
        expectSameBits(found.sample, expected.sample);
        for (const [key, value] of found.parameters) expectSameBits(value, expected.parameters.get(key)!);
      }
  });
});
