/** Tensors of large files, which are read when they are needed. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deferredTensor } from '../../src/formats/deferred-tensor.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { parseSafetensors, readSafetensors, readTensor, writeSafetensors } from '../../src/formats/safetensors.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { runModel } from '../../src/models/passes.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { sourceOf } from '../../src/tensor/deferred.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, type DType, type Tensor } from '../../src/tensor/tensor.ts';

/** Reads what `readFile` does, but takes every file for a large one. */
function opening(readFile: ReadFile): ReadFile {
  return Object.assign((path: string, part?: object) => readFile(path, part), {
    async open(path: string) {
      const bytes = await readFile(path);
      return (
        bytes && { size: bytes.length, readInto: (target: Uint8Array, start: number) => copy(bytes, target, start) }
      );
    },
  });
}

function copy(bytes: Uint8Array, target: Uint8Array, start: number): void {
  if (start + target.length > bytes.length) throw new RangeError('beyond the end of the file');
  target.set(bytes.subarray(start, start + target.length));
}

const openBytes = (bytes: Uint8Array) =>
  readSafetensors(
    opening(() => Promise.resolve(bytes)),
    'x',
    'x',
  );

const { randn } = manualSeed(3);
const numbers = (dtype: DType): Tensor => cast(randn([3, 5]), dtype);
const file = writeSafetensors({ a: numbers('f32'), b: numbers('f16'), c: numbers('bf16'), d: numbers('f64') });

describe('a tensor of an opened file', () => {
  test('has the numbers of one that is read at once, whole and in part', async () => {
    const opened = await openBytes(file);
    const parsed = parseSafetensors(file, 'x');
    for (const name of ['a', 'b', 'c']) {
      const found = opened && deferredTensor(opened, name);
      const expected = readTensor(parsed, name);
      const source = found && sourceOf(found);
      expect(source?.read(4, 9)).toEqual(expected.data.subarray(4, 9));
      expect(found).toEqual(expected);
      const bytes = new Uint8Array((source?.format === 'f32' ? 4 : 2) * expected.data.length);
      source?.copyTo(bytes);
      expect(bytes).toEqual(parsed.entries.get(name)?.bytes.slice());
    }
  });

  test('is not deferred where the file is at hand, and where its format is none that stays', async () => {
    const opened = await openBytes(file);
    expect(opened && [deferredTensor(opened, 'd'), deferredTensor(opened, 'e')]).toEqual([undefined, undefined]);
    expect(opened && readTensor(opened, 'd')).toEqual(readTensor(parseSafetensors(file, 'x'), 'd'));
    expect(deferredTensor(parseSafetensors(file, 'x'), 'a')).toBeUndefined();
  });

  test.each(['f32', 'f16', 'bf16'] as const)(
    'is refused when it is read, where a number of %s is none',
    async (dtype) => {
      for (const [value, text] of [
        [NaN, 'NaN'],
        [-Infinity, '-Infinity'],
      ] as const) {
        const broken = writeSafetensors({ w: tensor(dtype, [3], Float32Array.of(1, 65504, value)) });
        const opened = await openBytes(broken);
        const found = opened && deferredTensor(opened, 'w');
        const message = `x: "w" has ${text} at index 2; it must hold finite numbers`;
        expect(() => found?.data).toThrow(message);
        expect(() => found && sourceOf(found)?.read(1, 3)).toThrow(message);
        expect(() => found && sourceOf(found)?.copyTo(new Uint8Array(dtype === 'f32' ? 12 : 6))).toThrow(message);
        expect(found && sourceOf(found)?.read(0, 1)).toEqual(Float32Array.of(1));
      }
    },
  );

  test('of a file that is wrong is refused as one that is read at once', async () => {
    const outcome = async (read: () => unknown): Promise<string> => {
      try {
        await read();
        return 'read';
      } catch (problem) {
        return String(problem);
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.nat(400), fc.nat(255), fc.nat(file.length), async (place, byte, length) => {
        const broken = file.slice(0, Math.max(1, length));
        broken[place % broken.length] = byte;
        expect(await outcome(() => openBytes(broken))).toBe(await outcome(() => parseSafetensors(broken, 'x')));
      }),
    );
  });
});

test('a model of an opened file computes the bits of one that is read at once', async () => {
  const folder = 'fixtures/letters/model';
  const readFile = await folderReader(folder);
  const [simd, loops] = [simdBackend(), referenceBackend()];
  const results = [];
  for (const reader of [readFile, opening(readFile)]) {
    const { config, weights } = await loadModelFolder(reader, folder);
    const model = createUNet(config, weights);
    for (const backend of reader === readFile ? [simd] : [simd, loops]) {
      const input = { sample: manualSeed(1).randn([1, 1, 16, 16]), timesteps: [500], classLabels: [3] };
      results.push(runModel(model, backend, input).predictions[0]);
    }
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  simd.dispose();
});
