/**
 * Arrays as NumPy keeps them: `.npy`, a line of text before the numbers (NumPy Enhancement Proposal 1).
 */
import { InputError } from '../tensor/errors.ts';
import { shapeText, sizeOf } from '../tensor/tensor.ts';
import { fromF16 } from './small-floats.ts';

/** An array, row by row: bytes as they are, float16 and float32 in float32, all other numbers in double precision. */
export interface NumpyArray {
  readonly shape: readonly number[];
  readonly numbers: Uint8Array | Float32Array | Float64Array;
}

/** How numbers of a type are read from bytes of their own, by what NumPy calls it, little-endian. */
const readers: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => NumpyArray['numbers']>> = {
  u1: (bytes) => bytes,
  i1: ({ buffer }) => Float64Array.from(new Int8Array(buffer)),
  u2: ({ buffer }) => Float64Array.from(new Uint16Array(buffer)),
  i2: ({ buffer }) => Float64Array.from(new Int16Array(buffer)),
  u4: ({ buffer }) => Float64Array.from(new Uint32Array(buffer)),
  i4: ({ buffer }) => Float64Array.from(new Int32Array(buffer)),
  u8: ({ buffer }) => Float64Array.from(new BigUint64Array(buffer), Number),
  i8: ({ buffer }) => Float64Array.from(new BigInt64Array(buffer), Number),
  f2: ({ buffer }) => fromF16(new Uint16Array(buffer)),
  f4: ({ buffer }) => new Float32Array(buffer),
  f8: ({ buffer }) => new Float64Array(buffer),
};

const magic = '\x93NUMPY';
/** A header that is longer describes no array of numbers. */
const longestHeader = 65_536;

/**
 * Reads an array of numbers.
 * @param source the file's name, for messages
 * @throws InputError for other and for damaged files
 */
export function readNpy(bytes: Uint8Array, source: string): NumpyArray {
  const fail = (message: string): never => {
    throw new InputError(`${source}: ${message}`);
  };
  const { text, begin } = headerOf(bytes, fail);
  const [, descr = ''] = /'descr':\s*'([^']*)'/.exec(text) ?? fail('its header names no type of numbers');
  const [, order] = /'fortran_order':\s*(True|False)/.exec(text) ?? fail('its header names no order');
  const [, extents = ''] = /'shape':\s*\(([\d\s,L]*)\)/.exec(text) ?? fail('its header names no shape');
  const shape = [...extents.matchAll(/\d+/g)].map(Number);
  const [, byteOrder, kind = ''] = /^([<>|=])(\w+)$/.exec(descr) ?? [];
  const read = Object.hasOwn(readers, kind) && byteOrder !== '>' ? readers[kind] : undefined;
  if (!read) return fail(`it holds ${descr}; read are numbers of little-endian types, as u1, i8 and f4`);
  if (order === 'True') fail('its numbers are in Fortran order; save numpy.ascontiguousarray(it)');
  const size = sizeOf(shape) * Number(kind.slice(1));
  if (bytes.length - begin !== size)
    fail(`${shapeText(shape)} of ${kind} takes ${size} bytes, but there are ${bytes.length - begin}`);
  return { shape, numbers: read(Uint8Array.from(bytes.subarray(begin))) };
}

/** The header's text, and where the numbers begin. */
function headerOf(bytes: Uint8Array, fail: (message: string) => never): { text: string; begin: number } {
  const latin = new TextDecoder('latin1');
  if (bytes.length < 12 || !magic.split('').every((letter, i) => bytes[i] === letter.charCodeAt(0)))
    fail('this is no NumPy array');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isOld = bytes[6] === 1;
  const [length, first] = isOld ? [view.getUint16(8, true), 10] : [view.getUint32(8, true), 12];
  if (length > longestHeader || first + length > bytes.length) fail('its header is damaged');
  return { text: latin.decode(bytes.subarray(first, first + length)), begin: first + length };
}
