import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../src/formats/json.ts';
import { parseSafetensors, readNumbers, readTensor, writeSafetensors } from '../../src/formats/safetensors.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { sizeOf, tensor } from '../../src/tensor/tensor.ts';
import { repeated } from '../thorough.ts';

/** How many mutated inputs the fuzz tests try in all; many more where there is time, as in `.ci/run`. */
const mutations = repeated(120_000, 8_000);

/** A file whose header is this text, and whose data has so many bytes. */
function file(header: string | Uint8Array, dataBytes = 0, announced?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, announced ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const x = (entry: string): string => `{"x":{${entry}}}`;
const f32 = (shape: string, offsets: string): string => x(`"dtype":"F32","shape":${shape},"data_offsets":${offsets}`);

describe('a hostile safetensors file is refused in one line', () => {
  const cases: readonly [string, Uint8Array, string][] = [
    ['nothing', new Uint8Array(0), 'the file has 0 bytes'],
    ['seven bytes', new Uint8Array(7), 'the file has 7 bytes'],
    ['no header', new Uint8Array(8), 'the header is not JSON'],
    [
      'a header of 2⁶⁴ − 1 bytes',
      file('{}', 0, 2n ** 64n - 1n),
      'the header is said to have 18446744073709551615 bytes, but the file has 2 left',
    ],
    ['a header of 2⁵³ bytes', file('{}', 0, 2n ** 53n), 'is it truncated, or no safetensors file?'],
    ['a header one byte too long', file('{}', 0, 3n), 'the header is said to have 3 bytes, but the file has 2 left'],
    [
      'a header of 2²⁴ + 1 bytes',
      file(' '.repeat(2 ** 24 + 1)),
      'the header has 16777217 bytes; at most 16777216 are read',
    ],
    ['a byte order mark', file('\ufeff{}'), 'begins with a byte order mark, which JSON has not; save it as UTF-8'],
    ['no UTF-8', file(Uint8Array.of(0x7b, 0xff, 0x7d)), 'the header is not UTF-8 text'],
    ['an overlong encoding', file(Uint8Array.of(0x7b, 0xc0, 0xaf, 0x7d)), 'the header is not UTF-8 text'],
    ['no JSON', file('{"x":'), 'the header is not JSON'],
    ['NaN', file(f32('[NaN]', '[0,4]'), 4), 'the header is not JSON'],
    ['a list', file('[]'), 'the header is no JSON object'],
    ['null', file('null'), 'the header is no JSON object'],
    ['nesting', file('['.repeat(100_000)), 'nested more than 64 levels deep'],
    ['a duplicate name', file('{"x":1,"x":2}'), 'names the key "x" twice'],
    ['a duplicate name in disguise', file('{"x":1,"\\u0078":2}'), 'names the key "x" twice'],
    [
      'a duplicate offset',
      file(x('"dtype":"F32","shape":[1],"data_offsets":[0,0],"data_offsets":[0,4]'), 4),
      'names the key "data_offsets" twice',
    ],
    ['a number for a tensor', file('{"x":5}'), '"x" is described by 5, not by an object'],
    ['a list for a tensor', file('{"x":[]}'), '"x" is described by [], not by an object'],
    ['__proto__ for a tensor', file('{"__proto__":5}'), '"__proto__" is described by 5'],
    [
      'properties of __proto__',
      file('{"x":{"__proto__":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}}'),
      '"x" has dtype none',
    ],
    ['no dtype', file(x('"shape":[1],"data_offsets":[0,4]'), 4), '"x" has dtype none; known are F64'],
    [
      'a dtype of Object',
      file(x('"dtype":"toString","shape":[1],"data_offsets":[0,4]'), 4),
      '"x" has dtype "toString"',
    ],
    [
      'a foreign dtype',
      file(x('"dtype":"f32","shape":[1],"data_offsets":[0,4]'), 4),
      '"x" has dtype "f32"; known are F64, F32',
    ],
    ['no shape', file(x('"dtype":"F32","data_offsets":[0,4]'), 4), '"x" has shape none'],
    ['a negative extent', file(f32('[-1]', '[0,4]'), 4), '"x" has shape [-1]'],
    ['half an extent', file(f32('[0.5]', '[0,4]'), 4), '"x" has shape [0.5]'],
    ['an infinite extent', file(f32('[1e999]', '[0,4]'), 4), '"x" has shape ["Infinity"]'],
    ['an extent of 2⁵³', file(f32('[9007199254740992]', '[0,4]'), 4), '"x" has shape [9007199254740992]'],
    ['an extent as text', file(f32('["1"]', '[0,4]'), 4), '"x" has shape ["1"]'],
    ['33 dimensions', file(f32(JSON.stringify(Array(33).fill(1)), '[0,4]'), 4), 'at most 32 whole numbers'],
    ['2⁵⁴ elements', file(f32('[134217728,134217728]', '[0,4]'), 4), 'more elements than can be counted'],
    [
      '2⁶⁴ elements, which would be none',
      file(f32('[4294967296,4294967296]', '[0,0]')),
      'more elements than can be counted',
    ],
    [
      'none of too many elements',
      file(f32('[9007199254740991,9007199254740991,0]', '[0,0]')),
      'more elements than can be counted',
    ],
    [
      'the largest count, in an empty file',
      file(f32('[9007199254740991]', '[0,0]')),
      'needs 36028797018963964 bytes, but is given 0',
    ],
    ['no offsets', file(x('"dtype":"F32","shape":[1]'), 4), '"x" has data_offsets none; expected [start, end]'],
    ['three offsets', file(f32('[1]', '[0,4,8]'), 4), '"x" has data_offsets [0,4,8]'],
    ['a negative offset', file(f32('[1]', '[-4,0]'), 4), '"x" has data_offsets [-4,0]'],
    ['offsets in the wrong order', file(f32('[1]', '[4,0]'), 4), '"x" lies at bytes 4 to 0 of the data'],
    [
      'an offset beyond the end',
      file(f32('[1]', '[0,8]'), 4),
      '"x" lies at bytes 0 to 8 of the data, but there are 4; is the file truncated?',
    ],
    ['an offset of 2⁵³', file(f32('[1]', '[0,9007199254740992]'), 4), '"x" has data_offsets [0,9007199254740992]'],
    ['too few bytes', file(f32('[2]', '[0,4]'), 4), '"x" of dtype F32 and shape [2] needs 8 bytes, but is given 4'],
    ['too many bytes', file(f32('[1]', '[0,8]'), 8), '"x" of dtype F32 and shape [1] needs 4 bytes, but is given 8'],
    [
      'bytes before the first tensor',
      file(f32('[1]', '[4,8]'), 8),
      '"x" begins at byte 4 of the data, but the tensor before it ends at 0',
    ],
    [
      'bytes behind the last tensor',
      file(f32('[1]', '[0,4]'), 8),
      'the tensors take 4 bytes, but the file holds 8 bytes of data',
    ],
    ['data without tensors', file('{}', 1), 'the tensors take 0 bytes, but the file holds 1 bytes of data'],
    [
      'an overlap',
      file(
        '{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}}',
        5,
      ),
      '"y" begins at byte 2',
    ],
    [
      'two tensors in one place',
      file(
        '{"x":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"y":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}',
        3,
      ),
      '"y" begins at byte 0',
    ],
    [
      'a hole',
      file(
        '{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"y":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}',
        3,
      ),
      '"y" begins at byte 2',
    ],
    ['metadata that is a number', file('{"__metadata__":5}'), '"__metadata__" must be an object of texts'],
    ['metadata of numbers', file('{"__metadata__":{"a":1}}'), '"__metadata__" must be an object of texts'],
    [
      'a name that would break the line and the terminal',
      file('{"a\\nb\\u001b[2J\\u202e":5}'),
      '"a\\u000ab\\u001b[2J\\u202e" is described by 5',
    ],
    ['a name of a megabyte', file(`{"${'a'.repeat(2 ** 20)}":5}`), 'aaa…'],
  ];
  it.each(cases)('%s', (_name, bytes, message) => {
    const error = refusal(() => parseSafetensors(bytes, 'x.safetensors'));
    expect(error.message).toContain(message);
    expectOneLine(error, 'x.safetensors: ');
  });

  it('takes names of Object for names', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const header = names.map((name, i) => `"${name}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`);
    expect([...parseSafetensors(file(`{${header.join(',')}}`, 4), 'names').entries.keys()]).toEqual(names);
  });
});

const bases = [
  writeSafetensors(
    {
      a: tensor('f32', [2, 3], new Float32Array(6)),
      'mid_block.attentions.0.to_q.weight': tensor('f16', [3], new Float32Array(3)),
    },
    { format: 'pt' },
  ),
  writeSafetensors({
    t: { shape: [2], integers: [1, 2] },
    e: tensor('f64', [0, 4], new Float64Array(0)),
    d: tensor('f64', [1], Float64Array.of(1)),
  }),
  file(
    '{"i":{"dtype":"I8","shape":[],"data_offsets":[0,1]},"b":{"dtype":"BOOL","shape":[1],"data_offsets":[1,2]},' +
      '"h":{"dtype":"BF16","shape":[2],"data_offsets":[2,6]}}',
    6,
  ),
];

/** What a header is broken with. */
const tokens = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '0',
  '-1',
  '1e999',
  '9007199254740993',
  '4294967296',
  'null',
  'true',
  '""',
  '{}',
  '[]',
  '"x":',
  ' ',
  '\u0000',
  '"__proto__":',
  '"__metadata__":',
  '"dtype":"F64"',
  '"shape":[0]',
  '"data_offsets":[0,0]',
  '\\ud800',
  '\\u0061',
].map((token) => new TextEncoder().encode(token));

type Edit = (bytes: Uint8Array) => Uint8Array;
const apply = (list: readonly Edit[], bytes: Uint8Array): Uint8Array =>
  list.reduce<Uint8Array>((edited, edit) => edit(edited), bytes);
const splice = (bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array =>
  Uint8Array.from([...bytes.subarray(0, at), ...added, ...bytes.subarray(at + removed)]);
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const edits = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(
    ([where, bit]): Edit =>
      (bytes) =>
        bytes.map((byte, i) => (i === Math.floor(where * bytes.length) ? byte ^ (1 << bit) : byte)),
  ),
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.slice(0, Math.floor(where * (bytes.length + 1))),
  ),
  fc.tuple(place, fc.nat(4), fc.constantFrom(...tokens)).map(
    ([where, removed, token]): Edit =>
      (bytes) =>
        splice(bytes, Math.floor(where * bytes.length), removed, token),
  ),
  fc.tuple(place, place, fc.nat(40)).map(
    ([from, to, length]): Edit =>
      (bytes) => {
        const start = Math.floor(from * bytes.length);
        return splice(bytes, Math.floor(to * bytes.length), 0, bytes.slice(start, start + length));
      },
  ),
  fc.uint8Array({ maxLength: 16 }).map(
    (noise): Edit =>
      (bytes) =>
        splice(bytes, bytes.length, 0, noise),
  ),
);

describe(`fuzz, ${mutations} mutations`, () => {
  it('a mutated safetensors file is refused in one line, or its tensors lie in it without gap or overlap', () => {
    // The header's length is corrected in half of the cases, or most mutations would end there.
    const mutated = fc
      .tuple(fc.constantFrom(...bases), fc.array(edits, { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([base, list, correct]) => {
        if (!correct) return apply(list, base);
        const length = Number(new DataView(base.buffer).getBigUint64(0, true));
        const header = apply(list, base.slice(8, 8 + length));
        return splice(file(header), 8 + header.length, 0, base.slice(8 + length));
      });
    let read = 0;
    fc.assert(
      fc.property(mutated, (bytes) => {
        const parsed = inputOr(() => parseSafetensors(bytes, 'fuzz.safetensors'), 'fuzz.safetensors: ');
        if (!parsed) return;
        read++;
        const places = [...parsed.entries.values()]
          .map((entry) => entry.bytes)
          .sort((a, b) => a.byteOffset - b.byteOffset || a.length - b.length);
        const total = places.reduce((sum, { length }) => sum + length, 0);
        expect(total).toBeLessThanOrEqual(bytes.length);
        expect(
          places.every(
            (part, i) =>
              part.buffer === bytes.buffer &&
              (i === 0 || part.byteOffset === places[i - 1].byteOffset + places[i - 1].length),
          ),
        ).toBe(true);
        for (const [name, { dtype, shape }] of parsed.entries) {
          // A kind of number that nobody knows, as F22, spoils nothing until it is read.
          if (/^(F64|F32|F16|BF16|F8_E4M3|F8_E5M2)$/.test(dtype)) {
            const value = readTensor(parsed, name);
            expect(value.data.length).toBe(sizeOf(shape));
            expect(value.data.byteLength).toBeLessThanOrEqual(4 * bytes.length);
          } else {
            inputOr(() => readTensor(parsed, name), 'fuzz.safetensors: ');
            inputOr(() => readNumbers(parsed, name), 'fuzz.safetensors: ');
          }
        }
      }),
      { numRuns: mutations / 2 },
    );
    expect(read).toBeGreaterThan(mutations / 1000);
  }, 600_000);

  it('mutated JSON is refused in one line, or read as JSON.parse reads it', () => {
    const base = fc.json({ maxDepth: 4 }).map((text) => new TextEncoder().encode(text));
    const mutated = fc.tuple(base, fc.array(edits, { maxLength: 3 })).map(([text, list]) => apply(list, text));
    let read = 0;
    fc.assert(
      fc.property(mutated, (bytes) => {
        const parsed = inputOr(() => ({ value: parseJson(bytes, 'fuzz.json') }), 'fuzz.json ');
        const standard = jsonOrNothing(bytes);
        if (parsed) {
          read++;
          expect(standard).toEqual(parsed);
        } else if (standard) {
          // Only what JSON.parse leaves unsaid may be refused beyond what it refuses.
          expect(() => parseJson(bytes, 'fuzz.json')).toThrow(/names the key .* twice/);
        }
      }),
      { numRuns: mutations / 2 },
    );
    expect(read).toBeGreaterThan(mutations / 20);
  }, 600_000);
});

describe('JSON', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        expect(parseJson(new TextEncoder().encode(text), 'x')).toEqual(JSON.parse(text));
      }),
    );
  });

  it('that names a key twice is refused, however deep and however spelt', () => {
    const wraps = fc.array(
      fc.constantFrom(
        (inner: string) => `[1,${inner}]`,
        (inner: string) => `{"a":{},"b":${inner},"c":"}"}`,
      ),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(wraps, fc.string(), fc.jsonValue(), (list, key, value) => {
        const first = JSON.stringify(key);
        const second = [...key]
          .map((c) => (c.length === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c))
          .join('');
        const twice = `{${first}:${JSON.stringify(value)},"${second}":0}`;
        const text = list.reduce((inner, wrap) => wrap(inner), twice);
        expect(() => parseJson(new TextEncoder().encode(text), 'x')).toThrow(/^x names the key .* twice$/);
      }),
    );
  });

  it('is read 64 levels deep, and no deeper', () => {
    const nested = (levels: number) => new TextEncoder().encode('['.repeat(levels) + ']'.repeat(levels));
    expect(JSON.stringify(parseJson(nested(64), 'x'))).toBe('['.repeat(64) + ']'.repeat(64));
    expect(() => parseJson(nested(65), 'x')).toThrow('x is nested more than 64 levels deep');
  });

  it('of more than 16 MiB is refused unread', () => {
    expect(() => parseJson(new Uint8Array(2 ** 24 + 1), 'x')).toThrow(
      'x has 16777217 bytes; at most 16777216 are read',
    );
  });
});

function jsonOrNothing(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

function refusal(run: () => unknown): InputError {
  try {
    run();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  return expect.fail('it was read');
}

/** What `run` gives, or nothing when it refuses as it should. Any other error is passed on, and fails the test. */
function inputOr<T>(run: () => T, beginning: string): T | undefined {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expectOneLine(error, beginning);
    return undefined;
  }
}

function expectOneLine({ message }: InputError, beginning: string): void {
  expect(message.startsWith(beginning)).toBe(true);
  expect(message).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  expect(message.length).toBeLessThan(1600);
}
