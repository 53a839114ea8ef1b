/**
 * Tensors of a large safetensors file, whose numbers stay in it, as they are stored, until they are needed. That they
 * are finite is checked when they are read first.
 */
import { at } from '../tensor/at.ts';
import { deferred, type NumberSource } from '../tensor/deferred.ts';
import { InputError } from '../tensor/errors.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { SafetensorsEntry, SafetensorsFile } from './safetensors.ts';
import { fromBF16, fromF16 } from './small-floats.ts';

/** How numbers are stored. */
interface Stored {
  readonly format: NumberSource['format'];
  /** The same bytes as words, one for each number. */
  readonly words: (bytes: Uint8Array) => Uint16Array | Uint32Array;
  /** The bits that are all 1 in what is not finite. */
  readonly exponent: number;
  readonly decode: (bytes: Uint8Array) => Float32Array;
}

const words16 = ({ buffer, byteOffset, length }: Uint8Array) => new Uint16Array(buffer, byteOffset, length / 2);

const formats: Readonly<Record<string, Stored>> = {
  F32: {
    format: 'f32',
    words: ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length / 4),
    exponent: 0x7f800000,
    decode: ({ buffer, byteOffset, length }) => new Float32Array(buffer, byteOffset, length / 4),
  },
  F16: { format: 'f16', words: words16, exponent: 0x7c00, decode: (bytes) => fromF16(words16(bytes)) },
  BF16: { format: 'bf16', words: words16, exponent: 0x7f80, decode: (bytes) => fromBF16(words16(bytes)) },
};

/**
 * A tensor that is not read yet; undefined where the file is at hand as a whole, has no such tensor, or stores it in a
 * format that has to be converted.
 */
export function deferredTensor({ entries, source }: SafetensorsFile, name: string): Tensor | undefined {
  const entry = entries.get(name);
  const stored = entry && Object.hasOwn(formats, entry.dtype) ? formats[entry.dtype] : undefined;
  if (!stored || !entry?.copyTo || sizeOf(entry.shape) === 0) return undefined;
  return deferred(stored.format, entry.shape, sourceIn(entry, entry.copyTo, stored, source));
}

function sourceIn(
  { name, shape, dtype }: SafetensorsEntry,
  copyPart: NonNullable<SafetensorsEntry['copyTo']>,
  { format, words, exponent, decode }: Stored,
  file: string,
): NumberSource {
  const length = sizeOf(shape);
  const width = dtype === 'F32' ? 4 : 2;
  let isChecked = false;
  const check = (bytes: Uint8Array, first: number): void => {
    const found = isChecked ? -1 : indexOfInfinite(words(bytes), exponent);
    if (found >= 0) {
      const value = at(decode(bytes.slice(width * found, width * (found + 1))), 0);
      throw new InputError(`${file}: "${name}" has ${value} at index ${first + found}; it must hold finite numbers`);
    }
    isChecked ||= bytes.length === width * length;
  };
  return {
    format,
    length,
    copyTo(target) {
      copyPart(target, 0);
      check(target, 0);
    },
    read(start, end) {
      const bytes = new Uint8Array(width * (end - start));
      copyPart(bytes, width * start);
      check(bytes, start);
      return decode(bytes);
    },
  };
}

/** Where the first number is that is not finite; −1 where there is none. */
function indexOfInfinite(words: Uint16Array | Uint32Array, exponent: number): number {
  // A loop, and not a method that calls a function for each: there are hundreds of millions.
  for (let i = 0; i < words.length; i++) if (((words[i] ?? 0) & exponent) === exponent) return i;
  return -1;
}
