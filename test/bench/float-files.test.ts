import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFloats, relativeError } from '../../scripts/bench/float-files.ts';

const numbers = fc.array(fc.float({ noNaN: true, min: -100, max: 100 }), { minLength: 1, maxLength: 50 });

describe('results of processes', () => {
  it('are read as they were written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pag-bench-test-'));
    const [file, given] = [join(folder, 'out.f32'), Float32Array.of(1.5, -2, 1e-30)];
    writeFileSync(file, given);
    expect(readFloats(file)).toEqual(given);
    rmSync(folder, { recursive: true });
  });

  it('have an error that is the share by which all of them are off', () => {
    fc.assert(
      fc.property(numbers, fc.double({ noNaN: true, min: 0.01, max: 2 }), (truth, factor) => {
        fc.pre(truth.some((value) => Math.abs(value) > 1e-3));
        const found = truth.map((value) => value * (1 - factor));
        expect(relativeError(found, truth)).toBeCloseTo(factor, 10);
        expect(relativeError(truth, truth)).toBe(0);
      }),
    );
  });

  it('agree with nothing where numbers are missing or none', () => {
    expect(relativeError([1], [1, 2])).toBeNaN();
    expect(relativeError([1, NaN], [1, 2])).toBeNaN();
  });
});
