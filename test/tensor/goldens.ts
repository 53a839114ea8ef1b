/** What the tests of this folder need to compare numbers: golden files, and distances in units of the last place. */
import { goldenBytes } from '../goldens.ts';

export interface Goldens {
  readonly metadata: Readonly<Record<string, string>>;
  /** Every tensor as doubles; float32 is held exactly. */
  readonly tensors: Readonly<Record<string, Float32Array | Float64Array>>;
}

/** Reads a safetensors file of F32 and F64 tensors from `fixtures/goldens`. */
export function readGoldens(path: string): Goldens {
  const bytes = goldenBytes(path);
  const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)),
  );
  const tensors: Record<string, Float32Array | Float64Array> = {};
  for (const [name, entry] of Object.entries(
    entries as Record<string, { dtype: string; data_offsets: [number, number] }>,
  )) {
    const [start, end] = entry.data_offsets.map((offset) => offset + 8 + headerLength);
    const buffer = bytes.slice(start, end).buffer;
    tensors[name] = entry.dtype === 'F64' ? new Float64Array(buffer) : new Float32Array(buffer);
  }
  return { metadata, tensors };
}

/**
 * The distance from one power of two's neighbour to the next: the spacing of the doubles, or the float32s, about
 * `truth`.
 */
export function ulpOf(truth: number, format: 'f32' | 'f64'): number {
  const [digits, lowest] = format === 'f32' ? [23, -149] : [52, -1074];
  double[0] = truth;
  // The exponent as a double holds it; that of the subnormals, −1023, is below what counts.
  const exponent = ((words[1] >>> 20) & 0x7ff) - 1023;
  return 2 ** Math.max(lowest, exponent - digits);
}

/** Where the exponent is read; little-endian, as typed arrays are everywhere. */
const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
