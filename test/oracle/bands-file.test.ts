import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSafetensors, readTensor, writeSafetensors } from '../../src/formats/safetensors.ts';
import { readBands, writeBands } from '../../src/oracle/bands-file.ts';
import { check } from '../../src/oracle/check.ts';
import { formats, type FormatName } from '../../src/oracle/honest/format.ts';
import { bandsOf } from '../../src/oracle/tolerance.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { sizeOf, type Tensor } from '../../src/tensor/tensor.ts';
import { loadCase, oracle } from './cases.ts';
import { fileOf } from './ports.ts';

const of = { dtype: 'f32', case: 'a hash', weights: 'another' } as const;
const one = await loadCase('layers/attention');
const names = new Set(one.expected.keys());

describe('bands in a file', () => {
  it.each(['f32', 'bf16'] as const)('are those that were written, in %s', (dtype: FormatName) => {
    const bands = bandsOf(one, formats[dtype], names);
    const bytes = writeBands(one, bands, { ...of, dtype });
    const read = readBands(one, parseSafetensors(bytes, 'bands'), { ...of, dtype });
    expect([...(read ?? [])].map(([name]) => name)).toEqual([...bands.keys()]);
    for (const [name, band] of bands) {
      const found = read?.get(name);
      expect({ ...found, truth: undefined }).toEqual({ ...band, truth: undefined });
      const off = found?.truth.data.map((value, i) => Math.abs(value - band.truth.data[i]!) / band.scale[i]!) ?? [NaN];
      expect(Math.max(...off), 'the truth is that of the case, or its own').toBeLessThanOrEqual(1e-3);
    }
  });

  it('hold a truth only where it is not the expected one, to a thousandth of its scale', () => {
    const [[name, band] = expect.fail('there is no band')] = bandsOf(one, formats.f32, names);
    const expected = one.expected.get(name)?.f64 ?? expect.fail(`there is no ${name}`);
    const holds = (truth: Tensor): boolean => {
      const bytes = writeBands(one, new Map([[name, { ...band, truth }]]), of);
      return parseSafetensors(bytes, 'bands').entries.has(`truth/${name}`);
    };
    const away = (share: number): Tensor => ({
      ...expected,
      data: expected.data.map((value, i) => (i === 1 ? value + share * (band.scale[i] ?? NaN) : value)),
    });
    expect([0, 0.9e-3, -0.9e-3, 1.1e-3, -1.1e-3].map((share) => holds(away(share)))).toEqual([
      ...[false, false, false],
      ...[true, true],
    ]);
    expect(holds({ ...expected, shape: [sizeOf(expected.shape)] }), 'of another shape').toBe(true);
  });

  it('keep an honest port beyond all numbers, and a scale that is', () => {
    const truth = { dtype: 'f64', shape: [1], data: Float64Array.of(1) } as const;
    const band = {
      truth,
      scale: Float64Array.of(Infinity),
      honest: [0.5, Infinity],
      budget: { rms: 1, max: 2 },
    } as const;
    const bytes = writeBands(one, new Map([['a', band]]), of);
    expect(readBands(one, parseSafetensors(bytes, 'bands'), of)).toEqual(new Map([['a', band]]));
  });

  it('are not those of another case, precision, or version', () => {
    const file = parseSafetensors(writeBands(one, new Map(), of), 'bands');
    expect(readBands(one, file, of)?.size).toBe(0);
    expect(readBands(one, file, { ...of, case: 'another' })).toBeUndefined();
    expect(readBands(one, file, { ...of, weights: 'changed' })).toBeUndefined();
    expect(readBands(one, file, { ...of, dtype: 'tf32' })).toBeUndefined();
    expect(readBands(one, { ...file, metadata: { ...file.metadata, schema: '0' } }, of)).toBeUndefined();
  });

  it('are refused where they are none', () => {
    const metadata = { schema: '1', ...of };
    const read = (more: Readonly<Record<string, string>>) => () =>
      readBands(one, parseSafetensors(writeSafetensors({}, { ...metadata, ...more }), 'bands'), of);
    expect(read({})).toThrow('bands: its metadata has no "budgets", as JSON; export the case again');
    expect(read({ budgets: '{' })).toThrow('has no "budgets"');
    expect(read({ budgets: '{"a": [1, 2, 3, 4]}' })).toThrow('there is no tensor "scale/a"');
  });
});

describe('known bands', () => {
  it('make a check say what it says without them', () => {
    const theirs = Object.fromEntries([...one.expected].map(([tap, { f64 }]) => [tap, cast(f64, 'f32')]));
    const file = fileOf(theirs);
    const bands = bandsOf(one, formats.f32, names);
    const summary = (known?: typeof bands) =>
      check(one, file, formats.f32, undefined, known).report.taps.map(({ name, status, chained, local }) => {
        return [name, status, chained.share, local.share];
      });
    expect(summary(bands)).toEqual(summary());
  });

  it('are of no use for a tap that they lack', () => {
    const file = parseSafetensors(readFileSync(new URL('layers/attention/expected.safetensors', oracle)), 'expected');
    const [name = ''] = names;
    const theirs = { [name]: cast(readTensor(file, `f64/${name}`), 'f32') };
    const few = new Map([...bandsOf(one, formats.f32, names)].filter(([tap]) => tap !== name));
    expect(check(one, fileOf(theirs), formats.f32, [name], few).report.passes).toBe(true);
  });
});
