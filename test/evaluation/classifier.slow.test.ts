/**
 * The letter classifier against PyTorch, on the plain loops and on the fast kernels; the sheet of held-out letters
 * against Pillow.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createClassifier, classify } from '../../src/evaluation/classifier.ts';
import { look } from '../../src/evaluation/drawing.ts';
import { readLettersSheet } from '../../src/evaluation/letters-sheet.ts';
import { decodePng } from '../../src/formats/png-reader.ts';
import { readTensor } from '../../src/formats/safetensors.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture } from '../goldens.ts';
import { expectSameBits } from '../kernels/simd/support.ts';
import { caseOf, classifierWeights, file } from './goldens.ts';

const pictures = readTensor(file, 'pictures');
const classifier = createClassifier(classifierWeights());
const results = ['features', 'logits', 'probabilities'] as const;

it.each(results)('%s as near to the truth as those of PyTorch, in f32', (name) => {
  expect(disagreement(classify(classifier, referenceBackend(), pictures)[name], goldenOf(file, name))).toBeUndefined();
});

it.each(results)('%s are the truth, in f64', (name) => {
  const wide = createClassifier(new Map([...classifierWeights()].map(([key, weight]) => [key, cast(weight, 'f64')])));
  expect(
    disagreement(classify(wide, referenceBackend(), cast(pictures, 'f64'))[name], goldenOf(file, name)),
  ).toBeUndefined();
});

it('has the same bits on the fast kernels', () => {
  expectSameBits(
    { ...classify(classifier, simdBackend(), pictures) },
    { ...classify(classifier, referenceBackend(), pictures) },
  );
});

it('reads the letters that PyTorch reads', () => {
  const { data } = goldenOf(file, 'logits').truth;
  const theirs = Array.from({ length: pictures.shape[0] }, (_, i) => data.subarray(26 * i, 26 * (i + 1))).map((row) =>
    row.indexOf(Math.max(...row)),
  );
  const { logits } = classify(classifier, referenceBackend(), pictures);
  expect(
    Array.from(theirs, (_, i) => logits.data.subarray(26 * i, 26 * (i + 1))).map((row) =>
      row.indexOf(Math.max(...row)),
    ),
  ).toEqual(theirs);
});

it('refuses what it cannot use', () => {
  expect(() => classify(classifier, referenceBackend(), tensor('f32', [1, 3, 32, 32], new Float32Array(3072)))).toThrow(
    /shape \[B, 1, 32, 32\].*\[1, 3, 32, 32\]/,
  );
  const weights = new Map(classifierWeights());
  weights.delete('d.bias');
  expect(() => createClassifier(weights, 'mine')).toThrow('mine: "d.bias" must have shape [64], but is missing');
  expect(() => createClassifier(new Map(weights).set('d.bias', tensor('f32', [32], new Float32Array(32))))).toThrow(
    /"d.bias" must have shape \[64\], but has \[32\]/,
  );
  const nowhere = tensor('f32', [64], new Float32Array(64).fill(NaN));
  expect(() => createClassifier(new Map(weights).set('d.bias', nowhere), 'mine')).toThrow(
    'mine: "d.bias" has NaN at index 0; it must hold finite numbers',
  );
});

it('looks at pictures as they are shown, clipped, however many', () => {
  const [count] = pictures.shape;
  const loud = tensor(
    'f32',
    [2 * count, 1, 32, 32],
    Float32Array.from({ length: 2 * pictures.data.length }, (_, i) => 3 * pictures.data[i % pictures.data.length]),
  );
  const clipped = tensor(
    'f32',
    pictures.shape,
    pictures.data.map((value) => Math.max(-1, Math.min(1, 3 * value))),
  );
  const [seen, expected] = [look(classifier, simdBackend(), loud), classify(classifier, simdBackend(), clipped)];
  expect([...seen.features.data.subarray(0, 64 * count)]).toEqual([...expected.features.data]);
  expect([...seen.features.data.subarray(64 * count)]).toEqual([...expected.features.data]);
});

it('the sheet of held-out letters has the pixels that Pillow reads, and PyTorch the letters', () => {
  const picture = decodePng(new Uint8Array(readFileSync(fixture('letters/held-out.png'))), 'held-out.png');
  const { shape, pixels } = caseOf<{ shape: readonly number[]; pixels: string }>('sheet');
  expect([picture.height, picture.width]).toEqual(shape);
  expect(createHash('sha256').update(picture.pixels).digest('hex')).toBe(pixels);
  const letters = readLettersSheet(picture, 'held-out.png');
  expect(letters.shape).toEqual([4550, 1, 32, 32]);
  const eighth = Array.from({ length: 8 }, (_, i) => [...letters.data.subarray(1024 * 65 * i, 1024 * (65 * i + 1))]);
  expect(eighth).toEqual(Array.from({ length: 8 }, (_, i) => [...pictures.data.subarray(1024 * i, 1024 * (i + 1))]));
});

it('a picture that is no sheet is refused', () => {
  expect(() =>
    readLettersSheet({ width: 832, height: 33, channels: 1, pixels: new Uint8Array(832 * 33) }, 'mine'),
  ).toThrow(/mine is 832 × 33/);
  expect(() =>
    readLettersSheet({ width: 64, height: 32, channels: 1, pixels: new Uint8Array(64 * 32) }, 'mine'),
  ).toThrow(/832 pixels wide/);
});
