import { InputError } from '../../src/tensor/errors.ts';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseSafetensors,
  readNumbers,
  readTensor,
  readTensors,
  writeSafetensors,
} from '../../src/formats/safetensors.ts';
import { roundInPlace } from '../../src/tensor/rounding.ts';
import { allocate, sizeOf, tensor, type DType, type Tensor } from '../../src/tensor/tensor.ts';

const goldens = new URL('../../fixtures/goldens/formats/', import.meta.url);
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, goldens)));

/** What Python wrote as a text where JSON has no number. */
const numberOf = (shown: number | string | boolean): number =>
  ({ inf: Infinity, '-inf': -Infinity, nan: NaN, '-0.0': -0 })[String(shown)] ?? Number(shown);

/** Tensors of every dtype that a tensor of ours has, with every value that the dtype has. */
const tensors = fc
  .tuple(fc.constantFrom<DType>('f64', 'f32', 'f16', 'bf16'), fc.array(fc.nat(4), { maxLength: 5 }))
  .chain(([dtype, shape]) =>
    fc
      .array(fc.double({ noDefaultInfinity: false }), { minLength: sizeOf(shape), maxLength: sizeOf(shape) })
      .map((values): Tensor => {
        const data = allocate(dtype, values.length);
        data.set(values);
        roundInPlace(dtype, data);
        return tensor(dtype, shape, data);
      }),
  );
const codePoints = fc.oneof(fc.nat(0xd7ff), fc.integer({ min: 0xe000, max: 0x10ffff }));
/** Every code point but the halves of surrogates; `fc.string({ unit: 'binary' })` makes a table of them all. */
const texts = fc.oneof(
  fc.string(),
  fc.array(codePoints, { maxLength: 10 }).map((points) => String.fromCodePoint(...points)),
);
const names = texts.filter((name) => name !== '__metadata__');
const files = fc.array(fc.tuple(names, tensors), { maxLength: 6 }).map((entries) => new Map(entries));

function write(file: ReadonlyMap<string, Tensor>, metadata?: Record<string, string>): Uint8Array {
  const record: Record<string, Tensor> = Object.create(null) as Record<string, Tensor>;
  for (const [name, value] of file) record[name] = value;
  return writeSafetensors(record, metadata);
}

describe('reading', () => {
  const file = parseSafetensors(bytesOf('dtypes.safetensors'), 'dtypes.safetensors');
  const expected = JSON.parse(readFileSync(new URL('dtypes.json', goldens), 'utf8')) as Record<
    string,
    { shape: number[]; values: (number | string | boolean)[] }
  >;

  it.each(Object.keys(expected))('gives the values that torch wrote as %s', (name) => {
    const { shape, values } = expected[name];
    expect(readNumbers(file, name)).toEqual({ shape, numbers: values.map(numberOf) });
  });

  it('gives metadata, and tensors in their own dtype', () => {
    expect(file.metadata).toEqual({ note: 'every dtype, ä, "quoted"' });
    expect([...file.entries.keys()].sort()).toEqual(Object.keys(expected).sort());
    expect(['F64', 'F32', 'F16', 'BF16'].map((name) => readTensor(file, name).dtype)).toEqual([
      'f64',
      'f32',
      'f16',
      'bf16',
    ]);
  });

  it('reads all 65536 numbers of f16 and bf16', () => {
    for (const dtype of ['F16', 'BF16'] as const) {
      const [fractionBits, bias] = dtype === 'F16' ? [10, 15] : [7, 127];
      const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
      const read = readTensor(parseSafetensors(raw(dtype, [65536], new Uint8Array(bits.buffer)), 'all'), 'x').data;
      bits.forEach((word, i) => {
        const exponent = (word & 0x7fff) >> fractionBits;
        const fraction = (word & (2 ** fractionBits - 1)) / 2 ** fractionBits;
        const sizeOf = (): number => {
          if (exponent === 2 * bias + 1) return fraction > 0 ? NaN : Infinity;
          return exponent === 0 ? fraction * 2 ** (1 - bias) : (1 + fraction) * 2 ** (exponent - bias);
        };
        const size = sizeOf();
        if (!Object.is(read[i], word & 0x8000 ? -size : size))
          expect.fail(`${dtype} ${word} is ${read[i]}, not ${size}`);
      });
    }
  });

  it('holds tensors of up to 32 dimensions', () => {
    const shape = Array.from({ length: 32 }, (_, i) => (i === 7 ? 2 : 1));
    const written = writeSafetensors({ x: tensor('f32', shape, Float32Array.of(1, 2)) });
    expect(readTensor(parseSafetensors(written, 'deep'), 'x').shape).toEqual(shape);
  });

  it('shares the bytes of the file where they are aligned, else copies no more than the tensor', () => {
    const data = Float32Array.of(1, 2, 3);
    const bytes = writeSafetensors({ x: tensor('f32', [3], data) });
    const shared = readTensor(parseSafetensors(bytes, 'aligned'), 'x');
    expect(shared.data.buffer).toBe(bytes.buffer);

    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    const copied = readTensor(parseSafetensors(shifted, 'shifted'), 'x');
    expect([...copied.data]).toEqual([1, 2, 3]);
    expect(copied.data.buffer.byteLength).toBe(data.byteLength);
  });

  it('reads a Buffer of Node, wherever it begins', () => {
    const wanted = tensor('f64', [2], Float64Array.of(Math.PI, -1));
    const bytes = writeSafetensors({ wanted });
    for (let start = 0; start < 8; start++) {
      const buffer = Buffer.alloc(bytes.length + 8).subarray(start, start + bytes.length);
      buffer.set(bytes);
      expect(readTensor(parseSafetensors(buffer, 'a buffer'), 'wanted'), String(start)).toEqual(wanted);
    }
  });

  it('tells what there is when a tensor is not', () => {
    expect(() => readTensor(file, 'sample')).toThrow('dtypes.safetensors: there is no tensor "sample"; the file has');
    expect(() => readTensor(file, 'I64')).toThrow(
      'dtypes.safetensors: "I64" holds I64; expected floating-point numbers (F64, F32, F16, BF16, F8_E4M3, F8_E5M2)',
    );
    const large = raw('I64', [1], new Uint8Array(BigInt64Array.of(2n ** 53n).buffer));
    expect(() => readNumbers(parseSafetensors(large, 'large'), 'x')).toThrow(
      'large: "x" holds 9007199254740992, beyond ±2⁵³',
    );
  });
});

describe('writing and reading again', () => {
  it('gives the same tensors, bit for bit, whatever their names', () => {
    fc.assert(
      fc.property(files, fc.dictionary(texts, texts), (file, metadata) => {
        const bytes = write(file, metadata);
        const again = parseSafetensors(bytes, 'again');
        expect(new Map(Object.entries(again.metadata))).toEqual(new Map(Object.entries(metadata)));
        expect(readTensors(again)).toEqual(file);
        // Writing what was read gives the same bytes.
        expect(write(readTensors(again), again.metadata)).toEqual(bytes);
      }),
    );
  });

  it('gives integers as I64', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger()), (integers) => {
        const file = parseSafetensors(writeSafetensors({ x: { shape: [integers.length], integers } }), 'integers');
        expect(file.entries.get('x')!.dtype).toBe('I64');
        expect(readNumbers(file, 'x')).toEqual({
          shape: [integers.length],
          numbers: integers.map((value) => value + 0),
        });
      }),
    );
  });

  it('begins the data at a multiple of 8', () => {
    fc.assert(
      fc.property(names, (name) => {
        const bytes = writeSafetensors({ [name]: tensor('f64', [1], Float64Array.of(1)) });
        expect((bytes.length - 8) % 8).toBe(0);
      }),
    );
  });

  it('refuses a tensor that would be read as metadata', () => {
    expect(() => writeSafetensors({ __metadata__: tensor('f32', [0], new Float32Array(0)) })).toThrow(InputError);
  });
});

/** A file with one tensor "x" of any dtype. */
function raw(dtype: string, shape: readonly number[], data: Uint8Array): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ x: { dtype, shape, data_offsets: [0, data.length] } }));
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}
