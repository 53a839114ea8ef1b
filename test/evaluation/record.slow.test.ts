/** Records: that work can be cut anywhere, and what is no record is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawPictures, type Drawing } from '../../src/evaluation/drawing.ts';
import {
  figures,
  measure,
  measureDifference,
  measureRecord,
  referenceOf,
  type Figure,
} from '../../src/evaluation/measure.ts';
import {
  askedLabels,
  emptyRecord,
  joinRecords,
  keepNumbers,
  readRecord,
  shardNumbers,
  writeRecord,
  type EvaluationRecord,
  type Settings,
} from '../../src/evaluation/record.ts';
import { appendRows } from '../../src/evaluation/rows.ts';
import { parseSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { cfgPag } from '../../src/guidance/pag.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { backend, randomUNet } from '../models/unet2d/models.ts';

const settings: Settings = { count: 12, seed: 3, labels: [0, 4, 26], steps: 5 };

/** The record of some pictures: features and probabilities that depend on the picture's number alone. */
function recordOf(numbers: readonly number[], of: Settings = settings): EvaluationRecord {
  const rows = (columns: number): Tensor =>
    tensor(
      'f32',
      [numbers.length, columns],
      Float32Array.from(numbers.flatMap((number) => [...manualSeed(number).rand([columns]).data])),
    );
  return { settings: of, numbers, features: rows(64), probabilities: rows(26) };
}

const read = (bytes: Uint8Array): EvaluationRecord => readRecord(parseSafetensors(bytes, 'mine'));

describe('records', () => {
  it('joined in any order and any division are the record of all', () =>
    fc.assert(
      fc.property(
        fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        (partOf, order) => {
          const parts = order.map((part) =>
            recordOf(Array.from({ length: 12 }, (_, i) => i).filter((number) => partOf[number] === part)),
          );
          expect(joinRecords(parts)).toEqual(recordOf(Array.from({ length: 12 }, (_, i) => i)));
        },
      ),
    ));

  it('with nothing in them change nothing', () => {
    expect(joinRecords([emptyRecord(settings), recordOf([2, 5]), emptyRecord(settings)])).toEqual(recordOf([2, 5]));
  });

  it('are what was written', () => {
    for (const record of [recordOf([0, 7, 11]), emptyRecord(settings)])
      expect(read(writeRecord(record))).toEqual(record);
  });

  it('are not made of nothing', () => {
    expect(() => joinRecords([])).toThrow('there is no record to join');
  });

  it('know what was asked for', () => {
    expect(askedLabels(recordOf([0, 1, 2, 5, 10]))).toEqual([0, 4, 26, 26, 4]);
    expect(askedLabels(recordOf([0, 1], { ...settings, labels: [] }))).toEqual([]);
  });

  it('of other settings, and with a picture twice, are not joined', () => {
    expect(() => joinRecords([recordOf([0]), recordOf([1], { ...settings, steps: 6 })], ['a', 'b'])).toThrow(
      'b was drawn with other settings than a: steps is 6 instead of 5',
    );
    expect(() => joinRecords([recordOf([0]), recordOf([1], { ...settings, eta: 1 })])).toThrow(
      'record 2 was drawn with other settings than record 1: eta is 1 instead of not set',
    );
    expect(() => joinRecords([recordOf([0, 4]), recordOf([1]), recordOf([4])], ['a', 'b', 'c'])).toThrow(
      'picture 4 is both in a and in c',
    );
  });

  it('whose pictures do not ascend are refused', () => {
    const { features, probabilities } = recordOf([0, 1]);
    const written = (numbers: readonly number[]) => () =>
      read(writeRecord({ settings, numbers, features, probabilities }));
    expect(written([4, 11])().numbers).toEqual([4, 11]);
    for (const numbers of [
      [1, 1],
      [2, 1],
      [-1, 1],
      [1, 12],
    ])
      expect(written(numbers)).toThrow('"numbers" must ascend within 0 to 11');
  });

  it('that are none are refused', () => {
    const { numbers, features, probabilities } = recordOf([0, 1]);
    const file = (
      change: object,
      metadata: Record<string, string> = { settings: JSON.stringify(settings) },
    ): Uint8Array =>
      writeSafetensors({ numbers: { shape: [2], integers: numbers }, features, probabilities, ...change }, metadata);
    expect(() => read(file({}, {}))).toThrow('mine is no record of an evaluation: it has no settings');
    expect(() => read(file({}, { settings: '{"count": 3}' }))).toThrow(/lack count, seed or labels/);
    expect(() => read(file({}, { settings: 'null' }))).toThrow(/lack count, seed or labels/);
    expect(() => read(file({}, { settings: '{' }))).toThrow(/mine, settings is not JSON/);
    expect(() => read(file({ features: probabilities }))).toThrow('"features" has shape [2, 26], expected [2, 64]');
    expect(() => read(file({ numbers: { shape: [2], integers: [1, 0] } }))).toThrow(/must ascend within 0 to 11/);
    expect(() => read(file({ numbers: { shape: [2], integers: [0, 12] } }))).toThrow(/must ascend within 0 to 11/);
  });

  it('shards draw each picture once, and keep theirs when the count grows', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(20),
        (count, shards, more) => {
          const parts = Array.from({ length: shards }, (_, i) => shardNumbers(count, i + 1, shards));
          expect(parts.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
          for (const [i, part] of parts.entries())
            expect(shardNumbers(count + more, i + 1, shards).slice(0, part.length)).toEqual(part);
        },
      ),
    ));
});

describe('drawing', () => {
  const unet = randomUNet();
  const drawing = (config: Readonly<Record<string, unknown>>, labels: readonly number[] = [0, 2]): Drawing => ({
    unet,
    backend,
    guidanceFor: () => cfgPag(2, { pagScale: 1.5, layers: ['mid_block.attentions.0'] }),
    scheduler: createScheduler(config, 3),
    seed: 40,
    labels,
    nullLabel: 3,
  });
  const draw = (
    config: Readonly<Record<string, unknown>>,
    numbers: readonly number[],
    labels?: readonly number[],
  ): Tensor => {
    const steps = drawPictures(drawing(config, labels), numbers);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  };

  it.each(['DDIMScheduler', 'DDPMScheduler'])('%s: a picture has the same bits alone and beside any others', (name) => {
    const config = { _class_name: name };
    const all = draw(config, [0, 1, 2, 3, 4]);
    for (const numbers of [[3], [4, 1], [2, 0]]) {
      const some = draw(config, numbers);
      for (const [i, number] of numbers.entries())
        expect(some.data.subarray(64 * i, 64 * (i + 1))).toEqual(all.data.subarray(64 * number, 64 * (number + 1)));
    }
    expect(all.data.subarray(0, 64)).not.toEqual(all.data.subarray(128, 192));
  });

  it('picture i has the label i mod their number', () => {
    const config = { _class_name: 'DDIMScheduler' };
    expect(draw(config, [1, 4], [0, 2])).toEqual(draw(config, [1, 4], [0, 2, 1, 1, 0]));
    expect(draw(config, [3], [0, 2])).toEqual(draw(config, [3], [2]));
    expect(draw(config, [3], [0, 2])).not.toEqual(draw(config, [3], [0]));
  });

  it('a model that overflows is found out', () => {
    const broken = {
      ...unet,
      programs: new Map(),
      weights: new Map(
        [...unet.weights].map(([name, weight]) => [
          name,
          name === 'conv_out.bias' ? { ...weight, data: weight.data.map(() => NaN) } : weight,
        ]),
      ),
    };
    expect(() => drawPictures({ ...drawing({ _class_name: 'DDIMScheduler' }), unet: broken }, [0]).next()).toThrow(
      /step 0 .* not finite/,
    );
  });
});

describe('measuring', () => {
  const letters = recordOf(Array.from({ length: 40 }, (_, i) => 1000 + i));
  const real = referenceOf(letters);

  it('depends on the set of pictures, not on who drew them', () => {
    const all = Array.from({ length: 12 }, (_, i) => i);
    const parts = [recordOf([1, 4, 7]), recordOf([0, 2, 3, 5]), recordOf([6, 8, 9, 10, 11])];
    expect(measureRecord(joinRecords(parts), real, { rounds: 5 })).toEqual(
      measureRecord(recordOf(all), real, { rounds: 5 }),
    );
  });

  it('a difference is that of the figures, for the pictures that both have, and nothing between equals', () => {
    const one = recordOf([0, 1, 2, 3, 4, 5, 9]);
    const shifted = {
      ...recordOf([1, 2, 3, 4, 5, 8, 9]),
      probabilities: recordOf([11, 12, 13, 14, 15, 18, 19]).probabilities,
    };
    const difference = measureDifference(one, shifted, real, { rounds: 4 });
    const [a, b] = [one, shifted].map((record) =>
      measureRecord(keepNumbers(record, [1, 2, 3, 4, 5, 9]), real, { rounds: 4 }),
    );
    for (const figure of Object.keys(figures) as Figure[])
      expect(difference[figure]!.value).toBe(a[figure]!.value - b[figure]!.value);
    for (const { value, low, high } of Object.values(measureDifference(one, one, real, { rounds: 4 })))
      expect([value, low, high]).toEqual([0, 0, 0]);
  });

  it('a difference in pairs is surer than one of strangers', () => {
    const numbers = Array.from({ length: 50 }, (_, i) => i);
    const flat = { ...settings, count: 50 };
    const before = recordOf(numbers, flat);
    const sharper = {
      ...before,
      probabilities: { ...before.probabilities, data: before.probabilities.data.map((p) => p * 1.01) },
    };
    const width = ({ low, high }: { low: number; high: number }): number => high - low;
    expect(width(measureDifference(sharper, before, real, { rounds: 40 }).confidence!)).toBeLessThan(
      0.1 * width(measureRecord(before, real, { rounds: 40 }).confidence!),
    );
  });

  it('the real letters themselves are perfect', () => {
    const { frechetDistance, precision, recall, diversity } = measure(letters, [], real, { rounds: 3 });
    expect(Math.abs(frechetDistance!.value)).toBeLessThan(1e-5);
    expect([precision!.value, recall!.value, diversity!.value]).toEqual([1, 1, 1]);
  });

  it('precision and recall compare as many real letters as there are pictures, the first', () => {
    const pictures = recordOf([0, 1, 2, 3, 4, 5]);
    const far = {
      ...letters,
      features: { ...letters.features, data: letters.features.data.map((value) => value + 100) },
    };
    const many = {
      features: appendRows([pictures.features, far.features]),
      probabilities: appendRows([pictures.probabilities, far.probabilities]),
    };
    const { precision, recall } = measure(pictures, [], referenceOf(many), { rounds: 2 });
    expect([precision!.value, recall!.value]).toEqual([1, 1]);
  });

  it('no interval reaches beyond what a figure can be', () => {
    for (const [name, { value, low, high }] of Object.entries(
      measure(
        letters,
        letters.numbers.map((n) => n % 26),
        real,
        { rounds: 30 },
      ),
    )) {
      const [least, most] = figures[name as Figure].range;
      if (name !== 'frechetDistance') expect(low).toBeGreaterThanOrEqual(least);
      expect(high).toBeLessThanOrEqual(Math.max(most, value));
    }
  });

  it('asks for nothing where the label is no letter, and gives only what few pictures can', () => {
    expect(measure(recordOf([0, 1, 2]), [26, 26, 26], real, { rounds: 2 })).not.toHaveProperty('asAsked');
    const { probabilities } = recordOf([0, 1]);
    const best = [0, 1]
      .map((row) => probabilities.data.subarray(26 * row, 26 * (row + 1)))
      .map((row) => row.indexOf(Math.max(...row)));
    const asAsked = (asked: readonly number[]): number | undefined =>
      measure(recordOf([0, 1]), asked, real, { rounds: 2 }).asAsked?.value;
    expect(asAsked(best)).toBe(1);
    expect(asAsked([best[0], 26])).toBe(1);
    expect(asAsked([best[0], (best[1] + 1) % 26])).toBe(0.5);
    expect(Object.keys(measure(recordOf([0]), [], real, { rounds: 2 }))).toEqual([
      'inceptionScore',
      'confidence',
      'letters',
      'diversity',
    ]);
    const withNeighbours = (count: number): boolean =>
      'precision' in measure(recordOf(Array.from({ length: count }, (_, i) => i)), [], real, { rounds: 2 });
    expect([withNeighbours(4), withNeighbours(5)]).toEqual([false, true]);
    expect(() => measure(emptyRecord(settings), [], real)).toThrow(/no pictures/);
  });
});
