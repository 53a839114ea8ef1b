/**
 * The safetensors format: eight bytes with the length of a JSON header, the header, then the bytes of all tensors.
 *
 * A file may come from anywhere, so everything it says is checked before it is used: whatever is wrong is an InputError
 * that names file and tensor. A tensor of a type that is not read is no mistake until somebody asks for it. Reading
 * allocates nothing beyond the size of the file itself (twice, where numbers must
 * be widened or moved to be aligned).
 */
import { joinBytes } from '../tensor/bytes.ts';
import { checkTensor, mustBe, text, withParts } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shapeText, sizeOf, tensor, type Tensor } from '../tensor/tensor.ts';
import { longestJson, parseJson } from './json.ts';
import { aReader, type OpenFile, type ReadFile } from './read-file.ts';
import { beginningText, recognise } from './recognise.ts';
import { fromBF16, fromF16, fromF8, toBF16, toF16 } from './small-floats.ts';

/** Bits of an element, of the types that the format has; a later one may be among the tensors that nobody reads. */
const elementBits: Readonly<Record<string, number>> = {
  ...{
    F64: 64,
    F32: 32,
    F16: 16,
    BF16: 16,
    I64: 64,
    I32: 32,
    I16: 16,
    I8: 8,
    U64: 64,
    U32: 32,
    U16: 16,
    U8: 8,
    BOOL: 8,
  },
  ...{ F8_E4M3: 8, F8_E5M2: 8, F8_E8M0: 8, F8_E4M3FNUZ: 8, F8_E5M2FNUZ: 8, F6_E2M3: 6, F6_E3M2: 6, F4: 4, C64: 64 },
};
/** The types of floating-point numbers that are read as tensors. */
const floats = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'];

/** A tensor of a file, not decoded yet. */
export interface SafetensorsEntry {
  readonly name: string;
  /** As the header names it: F32, BF16, I64, BOOL, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Its part of the file: not copied, or, of a file that is read when it is needed, read now. */
  readonly bytes: Uint8Array;
  /** Fills `target` with its bytes from number `from` on, where the file is read when it is needed. */
  readonly copyTo?: (target: Uint8Array, from: number) => void;
}

/** A file whose header has been read and checked. */
export interface SafetensorsFile {
  /** The file's name, for messages. */
  readonly source: string;
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Integers to be written, row-major. */
export interface IntegerTensor {
  /** I64, unless given. */
  readonly dtype?: 'I64' | 'I16';
  readonly shape: readonly number[];
  readonly integers: readonly number[];
}

/**
 * A safetensors file of a folder; undefined when there is no such file. Its first 8 bytes are read first, then the
 * header, and the rest only when both are right.
 * @param source the file's name, for messages
 * @throws InputError when anything about the file is wrong
 */
export async function readSafetensors(
  readFile: ReadFile,
  path: string,
  source: string,
): Promise<SafetensorsFile | undefined> {
  aReader('what reads files', readFile);
  const large = await readFile.open?.(path);
  if (large) return parseOpened(large, source);
  const begin = await readFile(path, { first: 8 });
  if (!begin) return undefined;
  if (begin.length > 8) return parseSafetensors(begin, source);
  const length = headerLength(begin, source);
  const header = await readFile(path, { first: 8 + length });
  if (header?.length === 8 + length) readHeader(header.subarray(8), source);
  const whole = await readFile(path);
  return whole && parseSafetensors(whole, source);
}

/**
 * The length of the header, from the first 8 bytes.
 * @param left how many bytes follow, where that is known
 * @throws InputError where it can be none
 */
function headerLength(bytes: Uint8Array, source: string, left?: number): number {
  const announced =
    bytes.length < 8 ? undefined : new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  // A length that no header has may be the beginning of another kind of file.
  const isLength = announced !== undefined && announced <= BigInt(longestJson);
  const what = isLength ? undefined : recognise(bytes);
  if (what !== undefined) throw new InputError(`${source}: the file ${what}`);
  if (announced === undefined) {
    const found = `${source}: the file has ${bytes.length} bytes`;
    throw new InputError(`${found}; a safetensors file begins with 8 that give the header's length`);
  }
  const begins = isLength ? undefined : beginningText(bytes);
  const text = begins === undefined ? '' : ` It begins with the text ${begins}.`;
  const said = `${source}: the header is said to have ${announced} bytes`;
  if (left !== undefined && announced > BigInt(left))
    throw new InputError(`${said}, but the file has ${left} left; is it truncated, or no safetensors file?${text}`);
  if (left === undefined && !isLength)
    throw new InputError(`${said}, but at most ${longestJson} are read; is it no safetensors file?${text}`);
  return Number(announced);
}

/** The header's JSON object. @throws InputError for any other */
function readHeader(bytes: Uint8Array, source: string): Record<string, unknown> {
  const header = parseJson(bytes, `${source}: the header`);
  if (!isRecord(header)) throw new InputError(`${source}: the header is no JSON object`);
  return header;
}

/**
 * Reads and checks the header; the tensors are decoded when asked for.
 * @param source the file's name, for messages
 * @throws InputError when anything about the file is wrong
 */
export function parseSafetensors(bytes: Uint8Array, source: string): SafetensorsFile {
  areBytes('what is parsed', bytes);
  text('the source', source);
  const headerEnd = 8 + headerLength(bytes, source, bytes.length - 8);
  const data = bytes.subarray(headerEnd);
  return parseHeader(bytes.subarray(8, headerEnd), source, data.length, (start, end) => ({
    bytes: data.subarray(start, end),
  }));
}

/** Enough of a file to say what it is, where it is none of this format. */
const beginning = 4096;

/** The same of a file that is read when it is needed. */
function parseOpened(file: OpenFile, source: string): SafetensorsFile {
  const part = (start: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - start);
    file.readInto(bytes, start);
    return bytes;
  };
  const begin = part(0, Math.min(file.size, beginning));
  const headerEnd = 8 + headerLength(begin, source, file.size - 8);
  return parseHeader(part(8, headerEnd), source, file.size - headerEnd, (start, end) => ({
    get bytes() {
      return part(headerEnd + start, headerEnd + end);
    },
    copyTo: (target: Uint8Array, from: number) => file.readInto(target, headerEnd + start + from),
  }));
}

/**
 * @param length of the data behind the header
 * @param place of a tensor that lies at bytes `start` up to `end` of the data
 */
function parseHeader(
  json: Uint8Array,
  source: string,
  length: number,
  place: (start: number, end: number) => Pick<SafetensorsEntry, 'bytes' | 'copyTo'>,
): SafetensorsFile {
  const fail = (message: string): never => {
    throw new InputError(`${source}: ${message}`);
  };
  const header = readHeader(json, source);
  const entries = new Map<string, SafetensorsEntry>();
  let metadata: Readonly<Record<string, string>> = {};
  const places: Place[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = readMetadata(value, fail);
      continue;
    }
    const { dtype, shape, start, end } = readEntry(name, value, length, fail);
    places.push({ name, start, end });
    // Not spread: what is read when it is needed must not be read now.
    entries.set(name, Object.assign(place(start, end), { name, dtype, shape }));
  }
  checkCoverage(places, length, fail);
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
  aFile('the file', file);
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
    case 'F8_E4M3':
    case 'F8_E5M2':
      return tensor('f16', shape, fromF8(bytes, dtype));
    default:
      throw new InputError(
        `${file.source}: "${name}" holds ${dtype}; expected floating-point numbers (${floats.join(', ')})`,
      );
  }
}

/** The whole number `i` of a tensor, by its type. */
const integers: Readonly<Record<string, (view: DataView, i: number) => number | bigint>> = {
  I64: (view, i) => view.getBigInt64(8 * i, true),
  U64: (view, i) => view.getBigUint64(8 * i, true),
  I32: (view, i) => view.getInt32(4 * i, true),
  U32: (view, i) => view.getUint32(4 * i, true),
  I16: (view, i) => view.getInt16(2 * i, true),
  U16: (view, i) => view.getUint16(2 * i, true),
  I8: (view, i) => view.getInt8(i),
  U8: (view, i) => view.getUint8(i),
  BOOL: (view, i) => view.getUint8(i),
};

/**
 * A tensor of any dtype as plain numbers, row by row. Throws an InputError when it is missing or holds integers beyond
 * 2⁵³.
 */
export function readNumbers(
  file: SafetensorsFile,
  name: string,
): { shape: readonly number[]; numbers: readonly number[] } {
  const { dtype, shape, bytes } = entryOf(file, name);
  if (floats.includes(dtype)) return { shape, numbers: [...readTensor(file, name).data] };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = Object.hasOwn(integers, dtype) ? integers[dtype] : undefined;
  if (!read) throw new InputError(`${file.source}: "${name}" holds ${dtype}; expected whole or floating-point numbers`);
  const numbers = Array.from({ length: sizeOf(shape) }, (_, i) => {
    const value = read(view, i);
    if (!Number.isSafeInteger(Number(value)))
      throw new InputError(`${file.source}: "${name}" holds ${value}, beyond ±2⁵³`);
    return Number(value);
  });
  return { shape, numbers };
}

/**
 * The bytes of a safetensors file, tensors in the order given, the header padded with spaces so that the data is
 * aligned. A tensor is stored in its dtype, integers as I64 unless they say otherwise.
 * @throws InputError when a tensor is called __metadata__ or has not as many numbers as its shape says, an integer is
 *   none, or metadata is no text
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor | IntegerTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  areTensors('what is written', tensors);
  if (Object.hasOwn(tensors, '__metadata__')) throw new InputError('no tensor can be called __metadata__');
  const header = new Map<string, unknown>(metadata ? [['__metadata__', metadata]] : []);
  const parts: Uint8Array[] = [];
  let offset = 0;
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
  const head = new Uint8Array(8 + headerLength).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(headerLength), true);
  head.set(json, 8);
  return joinBytes([head, ...parts]);
}

/** Fails unless a tensor has as many numbers as its shape says. */
function expectWhole(name: string, value: Tensor | IntegerTensor): void {
  if (!isRecord(value) || !('integers' in value)) checkTensor(`the tensor "${name}"`, value);
  const { shape } = value;
  const data = 'data' in value ? value.data : value.integers;
  const isShape = shape.every((extent) => Number.isInteger(extent) && extent >= 0);
  if (isShape && data.length === sizeOf(shape)) return;
  throw new InputError(`the tensor "${name}" has shape ${shapeText(shape)}, but ${data.length} numbers`);
}

function readEntry(name: string, value: unknown, dataLength: number, fail: (message: string) => never) {
  const entry = isRecord(value) ? value : fail(`"${name}" is described by ${excerpt(value)}, not by an object`);
  const dtype = entry['dtype'];
  // A type that the format gets later is named as those of today are.
  if (typeof dtype !== 'string' || !/^[A-Z][A-Z0-9_]*$/.test(dtype)) {
    return fail(`"${name}" has dtype ${excerpt(dtype)}; known are ${Object.keys(elementBits).join(', ')}`);
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
  const bits = Object.hasOwn(elementBits, dtype) ? elementBits[dtype] : undefined;
  const wanted = bits === undefined ? end - start : (sizeOf(shape) * bits) / 8;
  if (wanted !== end - start) {
    fail(
      `"${name}" of dtype ${dtype} and shape ${shapeText(shape)} needs ${wanted} bytes, but is given ${end - start}`,
    );
  }
  return { dtype, shape: shape as readonly number[], start, end };
}

function readMetadata(value: unknown, fail: (message: string) => never): Readonly<Record<string, string>> {
  if (value === null) return {};
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    return fail('"__metadata__" must be an object of texts');
  }
  return value as Readonly<Record<string, string>>;
}

function entryOf(file: SafetensorsFile, name: string): SafetensorsEntry {
  aFile('the file', file);
  const entry = file.entries.get(name);
  if (entry) return entry;
  const names = [...file.entries.keys()];
  text('the name of a tensor', name);
  const listed = names.length > 12 ? `${names.slice(0, 12).join(', ')}, … (${names.length} in all)` : names.join(', ');
  throw new InputError(`${file.source}: there is no tensor "${name}"; the file has ${listed || 'none'}`);
}

const areBytes = mustBe('the bytes of a file, a Uint8Array', (value) => value instanceof Uint8Array);
/** A file that has been opened. */
export const aFile = withParts<SafetensorsFile>(
  'a file, as parseSafetensors gives it',
  'source',
  'entries',
  'metadata',
);
const areTensors = mustBe(
  'an object of tensors by name, as Object.fromEntries(map)',
  (value) => isRecord(value) && !(value instanceof Map),
);

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
  // Not bytes.slice(): that of a Buffer of Node copies nothing.
  return bytes.byteOffset % size === 0 ? bytes.buffer : new Uint8Array(bytes).buffer;
}

function startOf(bytes: Uint8Array, size: number): number {
  return bytes.byteOffset % size === 0 ? bytes.byteOffset : 0;
}

function littleEndian16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(aligned(bytes, 2), startOf(bytes, 2), bytes.length / 2);
}

function as16Bits(integer: number): number {
  if (Number.isInteger(integer) && integer >= -32768 && integer <= 32767) return integer;
  throw new InputError(`${integer} is no integer of 16 bits`);
}

function encode(value: Tensor | IntegerTensor): { dtype: string; bytes: Uint8Array } {
  if ('integers' in value) {
    const { dtype = 'I64', integers } = value;
    const data = dtype === 'I64' ? BigInt64Array.from(integers, BigInt) : Int16Array.from(integers, as16Bits);
    return { dtype, bytes: new Uint8Array(data.buffer) };
  }
  const { dtype, data } = value;
  if (dtype === 'f64' || dtype === 'f32') {
    return {
      dtype: dtype === 'f64' ? 'F64' : 'F32',
      bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
  }
  const words = new Uint32Array(new Float32Array(data).buffer);
  return {
    dtype: dtype === 'bf16' ? 'BF16' : 'F16',
    bytes: new Uint8Array(new Uint16Array(words.map(dtype === 'bf16' ? toBF16 : toF16)).buffer),
  };
}
