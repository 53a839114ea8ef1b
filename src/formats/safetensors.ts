/**
 * The safetensors format: eight bytes with the length of a JSON header, the header, then the bytes of all tensors.
 *
 * A file may come from anywhere, so everything it says is checked before it is used: whatever is wrong is an InputError
 * that names file and tensor. Reading allocates nothing beyond the size of the file itself (twice, where numbers must
 * be widened or moved to be aligned).
 */
import { InputError } from '../tensor/errors.ts';
import { shapeText, sizeOf, tensor, type Tensor } from '../tensor/tensor.ts';
import { parseJson } from './json.ts';

/** Bytes of an element. */
const elementBytes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
/** The element types that are read, as a header names them. */
export type SafetensorsDType = keyof typeof elementBytes;

/** A tensor of a file, not decoded yet. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Its part of the file, not copied. */
  readonly bytes: Uint8Array;
}

/** A file whose header has been read and checked. */
export interface SafetensorsFile {
  /** The file's name, for messages. */
  readonly source: string;
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Integers to be written as I64, row-major. */
export interface IntegerTensor {
  readonly shape: readonly number[];
  readonly integers: readonly number[];
}

/**
 * Reads and checks the header; the tensors are decoded when asked for.
 * @param source the file's name, for messages
 * @throws InputError when anything about the file is wrong
 */
export function parseSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  const fail = (message: string): never => {
    throw new InputError(`${source}: ${message}`);
  };
  if (bytes.length < 8)
    fail(`the file has ${bytes.length} bytes; a safetensors file begins with 8 that give the header's length`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const announced = view.getBigUint64(0, true);
  if (announced > BigInt(bytes.length - 8)) {
    fail(
      `the header is said to have ${announced} bytes, but the file has ${bytes.length - 8} left; ` +
        'is it truncated, or no safetensors file?',
    );
  }
  const headerEnd = 8 + Number(announced);
  const header = parseJson(bytes.subarray(8, headerEnd), `${source}: the header`);
  if (!isRecord(header)) return fail('the header is no JSON object');

  const data = bytes.subarray(headerEnd);
  const entries = new Map<string, SafetensorsEntry>();
  let metadata: Readonly<Record<string, string>> = {};
  const places: Place[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = readMetadata(value, fail);
      continue;
    }
    const { dtype, shape, start, end } = readEntry(name, value, data.length, fail);
    places.push({ name, start, end });
    entries.set(name, { name, dtype, shape, bytes: data.subarray(start, end) });
  }
  checkCoverage(places, data.length, fail);
  return { source, entries, metadata };
}

/** Where a tensor lies among the bytes of data: from `start` up to `end`. */
interface Place {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The tensors must cover the data: what is between or behind them would be hidden content. */
function checkCoverage(places: readonly Place[], dataLength: number, fail: (message: string) => never): void {
  let covered = 0;
  for (const { name, start, end } of [...places].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (start !== covered)
      fail(`"${name}" begins at byte ${start} of the data, but the tensor before it ends at ${covered}`);
    covered = end;
  }
  if (covered !== dataLength) fail(`the tensors take ${covered} bytes, but the file holds ${dataLength} bytes of data`);
}

/** All floating-point tensors of the file, decoded. Throws an InputError for other dtypes. */
export function readTensors(file: SafetensorsFile): Map<string, Tensor> {
  return new Map([...file.entries.keys()].map((name) => [name, readTensor(file, name)]));
}

/** A tensor of floating-point numbers. Throws an InputError when it is missing or holds integers. */
export function readTensor(file: SafetensorsFile, name: string): Tensor {
  const { dtype, shape, bytes } = entryOf(file, name);
  const count = sizeOf(shape);
  switch (dtype) {
    case 'F64':
      return tensor('f64', shape, new Float64Array(aligned(bytes, 8), startOf(bytes, 8), count));
    case 'F32':
      return tensor('f32', shape, new Float32Array(aligned(bytes, 4), startOf(bytes, 4), count));
    case 'BF16':
      return tensor('bf16', shape, fromBF16(littleEndian16(bytes)));
    case 'F16':
      return tensor('f16', shape, fromF16(littleEndian16(bytes)));
    default:
      throw new InputError(
        `${file.source}: "${name}" holds ${dtype}; expected floating-point numbers (F64, F32, F16, BF16)`,
      );
  }
}

/**
 * A tensor of any dtype as plain numbers, row by row. Throws an InputError when it is missing or holds integers beyond
 * 2⁵³.
 */
export function readNumbers(
  file: SafetensorsFile,
  name: string,
): { shape: readonly number[]; numbers: readonly number[] } {
  const { dtype, shape, bytes } = entryOf(file, name);
  if (dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16') {
    return { shape, numbers: [...readTensor(file, name).data] };
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (i: number): number => {
    switch (dtype) {
      case 'I64': {
        const value = Number(view.getBigInt64(8 * i, true));
        if (!Number.isSafeInteger(value))
          throw new InputError(`${file.source}: "${name}" holds ${view.getBigInt64(8 * i, true)}, beyond ±2⁵³`);
        return value;
      }
      case 'I32':
        return view.getInt32(4 * i, true);
      case 'I16':
        return view.getInt16(2 * i, true);
      case 'I8':
        return view.getInt8(i);
      default:
        return view.getUint8(i);
    }
  };
  return { shape, numbers: Array.from({ length: sizeOf(shape) }, (_, i) => read(i)) };
}

/**
 * The bytes of a safetensors file, tensors in the order given, the header padded with spaces so that the data is
 * aligned. A tensor is stored in its dtype, integers as I64.
 * @throws InputError when a tensor is called __metadata__ or has not as many numbers as its shape says, an integer is
 *   none, or metadata is no text
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor | IntegerTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  if (Object.hasOwn(tensors, '__metadata__')) throw new InputError('no tensor can be called __metadata__');
  const header = new Map<string, unknown>(metadata ? [['__metadata__', metadata]] : []);
  const parts: Uint8Array[] = [];
  let offset = 0;
  if (tensors instanceof Map) throw new InputError('tensors must be an object, as Object.fromEntries(map) makes one');
  if (metadata && !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw new InputError('all values of the metadata must be texts');
  }
  for (const [name, value] of Object.entries(tensors)) {
    expectWhole(name, value);
    const { dtype, bytes } = encode(value);
    header.set(name, { dtype, shape: value.shape, data_offsets: [offset, offset + bytes.length] });
    parts.push(bytes);
    offset += bytes.length;
  }
  // Not Object.fromEntries: a tensor called __proto__ is a tensor like any other.
  const text = `{${[...header].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const json = new TextEncoder().encode(text);
  const headerLength = Math.ceil(json.length / 8) * 8;
  const out = new Uint8Array(8 + headerLength + offset);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength), true);
  out.fill(0x20, 8, 8 + headerLength);
  out.set(json, 8);
  let at = 8 + headerLength;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Fails unless a tensor has as many numbers as its shape says. */
function expectWhole(name: string, value: Tensor | IntegerTensor): void {
  const { shape } = value;
  const data = 'data' in value ? value.data : value.integers;
  const isShape = shape.every((extent) => Number.isInteger(extent) && extent >= 0);
  if (isShape && data.length === sizeOf(shape)) return;
  throw new InputError(`the tensor "${name}" has shape ${shapeText(shape)}, but ${data.length} numbers`);
}

function readEntry(name: string, value: unknown, dataLength: number, fail: (message: string) => never) {
  const entry = isRecord(value) ? value : fail(`"${name}" is described by ${excerpt(value)}, not by an object`);
  const dtype = entry['dtype'];
  if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype)) {
    return fail(`"${name}" has dtype ${excerpt(dtype)}; known are ${Object.keys(elementBytes).join(', ')}`);
  }
  const shape = entry['shape'];
  if (!Array.isArray(shape) || shape.length > 32 || !shape.every(isCount)) {
    return fail(`"${name}" has shape ${excerpt(shape)}; expected a list of at most 32 whole numbers`);
  }
  const offsets = entry['data_offsets'];
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    return fail(`"${name}" has data_offsets ${excerpt(offsets)}; expected [start, end]`);
  }
  const [start, end] = offsets as [number, number];
  if (start > end || end > dataLength) {
    fail(`"${name}" lies at bytes ${start} to ${end} of the data, but there are ${dataLength}; is the file truncated?`);
  }
  if (!Number.isSafeInteger(sizeOf(shape.filter((extent) => extent > 0)))) {
    fail(`"${name}" has shape ${shapeText(shape)}, more elements than can be counted`);
  }
  const wanted = sizeOf(shape) * elementBytes[dtype as SafetensorsDType];
  if (wanted !== end - start) {
    fail(
      `"${name}" of dtype ${dtype} and shape ${shapeText(shape)} needs ${wanted} bytes, but is given ${end - start}`,
    );
  }
  return { dtype: dtype as SafetensorsDType, shape: shape as readonly number[], start, end };
}

function readMetadata(value: unknown, fail: (message: string) => never): Readonly<Record<string, string>> {
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    return fail('"__metadata__" must be an object of texts');
  }
  return value as Readonly<Record<string, string>>;
}

function entryOf(file: SafetensorsFile, name: string): SafetensorsEntry {
  const entry = file.entries.get(name);
  if (entry) return entry;
  const names = [...file.entries.keys()];
  const listed = names.length > 12 ? `${names.slice(0, 12).join(', ')}, … (${names.length} in all)` : names.join(', ');
  throw new InputError(`${file.source}: there is no tensor "${name}"; the file has ${listed || 'none'}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What was found, for messages. Numbers that JSON reads as infinite are called so. */
function excerpt(value: unknown): string {
  return value === undefined
    ? 'none'
    : JSON.stringify(value, (_key, part: unknown) =>
        part === Infinity || part === -Infinity ? String(part) : part,
      ).slice(0, 60);
}

/** A whole number that JSON and JavaScript hold exactly. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The buffer that holds `bytes` at a multiple of `size`: their own, or a copy. */
function aligned(bytes: Uint8Array, size: number): ArrayBufferLike {
  return bytes.byteOffset % size === 0 ? bytes.buffer : bytes.slice().buffer;
}

function startOf(bytes: Uint8Array, size: number): number {
  return bytes.byteOffset % size === 0 ? bytes.byteOffset : 0;
}

function littleEndian16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(aligned(bytes, 2), startOf(bytes, 2), bytes.length / 2);
}

/** bf16 is the upper half of an f32. */
function fromBF16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  bits.forEach((word, i) => {
    out[i] = word << 16;
  });
  return new Float32Array(out.buffer);
}

/** Sign, 5 bits of exponent (bias 15), 10 bits of fraction. */
function fromF16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  bits.forEach((word, i) => {
    const sign = word & 0x8000 ? -1 : 1;
    const exponent = (word >> 10) & 31;
    const fraction = word & 1023;
    if (exponent === 31) out[i] = fraction ? NaN : sign * Infinity;
    else out[i] = exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
  return out;
}

function encode(value: Tensor | IntegerTensor): { dtype: SafetensorsDType; bytes: Uint8Array } {
  if ('integers' in value) {
    const data = BigInt64Array.from(value.integers, BigInt);
    return { dtype: 'I64', bytes: new Uint8Array(data.buffer) };
  }
  const { dtype, data } = value;
  if (dtype === 'f64' || dtype === 'f32') {
    return {
      dtype: dtype === 'f64' ? 'F64' : 'F32',
      bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
  }
  const words = new Uint32Array(Float32Array.from(data).buffer);
  return {
    dtype: dtype === 'bf16' ? 'BF16' : 'F16',
    bytes: new Uint8Array(Uint16Array.from(words, dtype === 'bf16' ? toBF16 : toF16).buffer),
  };
}

/**
 * From the bits of an f32 that has been rounded to bf16: its lower half is zero, but for a NaN, which must stay one.
 */
function toBF16(word: number): number {
  return (word >>> 16) | ((word & 0x7fffffff) > 0x7f800000 ? 0x40 : 0);
}

/** From the bits of an f32 that has been rounded to f16: what is dropped is zero. */
function toF16(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fffffff;
  if (size >= 0x7f800000) return sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
  const exponent = (size >> 23) - 127;
  if (exponent >= -14) return sign | ((size - (112 << 23)) >> 13);
  // A subnormal of f16 is a multiple of 2⁻²⁴: the significand, with its hidden bit, shifted until its unit is that.
  return sign | (exponent < -24 ? 0 : ((size & 0x7fffff) | 0x800000) >> (-exponent - 1));
}
