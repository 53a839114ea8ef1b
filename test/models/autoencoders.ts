/** What the tests of autoencoders share. */
import { expect } from 'vitest';
import type { SafetensorsFile } from '../../src/formats/safetensors.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import type { PictureModel } from '../../src/models/autoencoder.ts';
import { runModel } from '../../src/models/passes.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenNames, goldenOf } from '../agreement.ts';
import { expectSameBits } from '../kernels/simd/support.ts';

/** Fails unless all taps and outputs of one way agree with the goldens, and there are no others. */
export function expectWay(
  file: SafetensorsFile,
  way: 'encode' | 'decode',
  ours: Readonly<Record<string, Tensor>>,
): void {
  const names = goldenNames(file, `${way}/`);
  expect(names.length).toBeGreaterThan(8);
  const wrong = names.map((tap) => [tap, disagreement(ours[tap], goldenOf(file, `${way}/${tap}`))]);
  expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
  // The convolution of a resampling layer has the output of the layer, and is not stored twice.
  const shown = Object.keys(ours).filter((tap) => !/samplers\.\d+\.conv$/.test(tap));
  expect(shown.sort()).toEqual([...names].sort());
}

/** Fails unless two backends give a way the same bits, at all taps and at its end. */
export function expectSameWay(way: PictureModel<unknown>, sample: Tensor, backends: readonly [Backend, Backend]): void {
  const [ours, expected] = backends.map((backend) => runModel(way, backend, { sample }, { taps: ['*'] }));
  expectSameBits(ours.taps, expected.taps);
  expect(ours.predictions).toEqual(expected.predictions);
}
