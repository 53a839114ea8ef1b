/** Arrays of NumPy and the archives that they come in, as NumPy itself writes them; hostile ones are refused. */
import { deflateRawSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNpy } from '../../src/formats/npy.ts';
import { readZip } from '../../src/formats/zip.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { fixture } from '../goldens.ts';

/** An array as NumPy writes it. */
function npy(descr: string, shape: string, data: Uint8Array, order = 'False'): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;
  const header = `${text.padEnd(117)}\n`;
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Uint8Array.of(118, 0), Buffer.from(header), data]);
}
const bytesOf = (numbers: ArrayBufferView): Uint8Array =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);

/** What `numpy.savez_compressed(images=…, labels=…)` has written. */
const recipe = new Uint8Array(readFileSync(fixture('training/letters.npz')));

describe('an array', () => {
  it.each<[string, ArrayBufferView, readonly number[]]>([
    ['|u1', Uint8Array.of(0, 255), [0, 255]],
    ['<i1', Int8Array.of(-1, 3), [-1, 3]],
    ['<u2', Uint16Array.of(65535, 3), [65535, 3]],
    ['<i4', Int32Array.of(-7, 3), [-7, 3]],
    ['<i8', BigInt64Array.of(-9n, 3n), [-9, 3]],
    ['<f2', Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ['<f4', Float32Array.of(0.5, -3), [0.5, -3]],
    ['<f8', Float64Array.of(0.1, -3), [0.1, -3]],
  ])('of %s', (descr, numbers, expected) => {
    const { shape, numbers: read } = readNpy(npy(descr, '(2,)', bytesOf(numbers)), 'x');
    expect([shape, [...read]]).toEqual([[2], expected]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /no NumPy array/],
    ['another file', new TextEncoder().encode('hello, world'), /no NumPy array/],
    ['texts', npy('<U8', '(1,)', new Uint8Array(32)), /holds <U8; read are/],
    ['objects', npy('|O', '(1,)', new Uint8Array(8)), /holds \|O; read are/],
    ['big-endian numbers', npy('>f4', '(1,)', new Uint8Array(4)), /holds >f4; read are/],
    ['columns first', npy('<f4', '(1,)', new Uint8Array(4), 'True'), /Fortran order/],
    ['too few numbers', npy('<f4', '(3, 2)', new Uint8Array(20)), /\[3, 2\] of f4 takes 24 bytes, but there are 20/],
    ['a cut header', npy('<f4', '(1,)', new Uint8Array(4)).subarray(0, 40), /its header is damaged/],
  ])('that is %s is refused', (_what, bytes, message) => {
    expect(() => readNpy(bytes, 'x')).toThrow(InputError);
    expect(() => readNpy(bytes, 'x')).toThrow(message);
  });
});

describe('an archive', () => {
  it('of numpy.savez_compressed is read', () => {
    const entries = readZip(recipe, 'letters.npz');
    expect([...entries.keys()]).toEqual(['images.npy', 'labels.npy']);
    const { shape, numbers } = readNpy(entries.get('labels.npy')?.content() ?? new Uint8Array(0), 'labels');
    expect(shape).toEqual([2730]);
    expect([...numbers.subarray(0, 27)]).toEqual([...Array.from({ length: 26 }, (_, i) => i), 0]);
  });

  it('that is no zip, or cut off, is refused', () => {
    expect(() => readZip(new Uint8Array(100), 'x')).toThrow('this is no zip archive');
    expect(() => readZip(recipe.subarray(0, recipe.length - 30), 'x')).toThrow('this is no zip archive');
    expect(() => readZip(recipe.subarray(1000), 'x')).toThrow('list of files is damaged');
  });

  it('that is damaged anywhere is refused, or read the same', () => {
    const small = zipOf(
      'a.npy',
      npy(
        '|u1',
        '(40,)',
        new Uint8Array(40).map((_, i) => (i * i) % 7),
      ),
    );
    const content = readZip(small, 'x').get('a.npy')?.content();
    fc.assert(
      fc.property(fc.nat(small.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(small, (byte, i) => (i === at ? byte ^ change : byte));
        try {
          const found = readZip(changed, 'x').get('a.npy')?.content();
          if (found) expect(found).toEqual(content);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** An archive of one deflated file. */
function zipOf(name: string, content: Uint8Array): Uint8Array {
  const packed = deflateRawSync(content);
  const [local, entry, end] = [30, 46, 22].map((size) => new DataView(new ArrayBuffer(size)));
  const sizes = (view: DataView, at: number): void => {
    view.setUint32(at, checksum(content), true);
    view.setUint32(at + 4, packed.length, true);
    view.setUint32(at + 8, content.length, true);
    view.setUint16(at + 12, name.length, true);
  };
  local.setUint32(0, 0x04034b50, true);
  local.setUint16(8, 8, true);
  sizes(local, 14);
  entry.setUint32(0, 0x02014b50, true);
  entry.setUint16(10, 8, true);
  sizes(entry, 16);
  const size = 30 + name.length + packed.length;
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(10, 1, true);
  end.setUint32(16, size, true);
  const text = Buffer.from(name);
  return Buffer.concat([bytesOf(local), text, packed, bytesOf(entry), text, bytesOf(end)]);
}

/** CRC-32, by its definition. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
