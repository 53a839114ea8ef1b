/** What our kernels are to reach beside other libraries, and what they have reached in a run of the bench. */
import { measurementOf, ratioOf, type Measurement, type Results } from './results.ts';

/** A ratio that was wanted, and the one that was found. */
export interface Bar {
  readonly what: string;
  readonly bar: number;
  /** Whether the ratio is to be at most the bar, or at least. */
  readonly limit: 'most' | 'least';
  /** NaN where a measurement is missing. */
  readonly found: number;
  /** Which of our ways has the ratio, where it is the best of them. */
  readonly by: string;
  readonly met: boolean;
}

type Place = Pick<Measurement, 'name' | 'batch'>;

const letters: Place = { name: 'letters', batch: 1 };
const eightLetters: Place = { name: 'letters', batch: 8 };
const cifar10: Place = { name: 'cifar10', batch: 1 };
const adm64: Place = { name: 'adm64', batch: 1 };
const attention: Place = { name: 'attention', batch: 1 };

/** A ratio that is to be at most so much: of our best way, or of one, to somebody else. */
type Ratio = readonly [ours: string, theirs: string, place: Place, bar: number];

const ratios: readonly Ratio[] = [
  ['best', 'onnxruntime-node', letters, 0.9],
  ['best', 'onnxruntime-node', eightLetters, 0.9],
  ['best', 'onnxruntime-node', cifar10, 0.9],
  ['best', 'PyTorch', eightLetters, 0.65],
  ['best', 'PyTorch', cifar10, 0.65],
  ['best', 'PyTorch', adm64, 0.65],
  ['simd', 'onnxruntime-web', letters, 0.42],
  ['simd', 'onnxruntime-web', cifar10, 0.47],
  ['simd fast', 'onnxruntime-web', letters, 0.33],
  ['simd fast', 'onnxruntime-web', cifar10, 0.33],
  ['simd', 'onnxruntime-web', attention, 0.5],
  ['best', 'onnxruntime-web', attention, 0.5],
];

/** How many times as fast two threads of our best way on one are to be, by the clock on the wall. */
const twoThreads: readonly (readonly [place: Place, bar: number])[] = [
  [letters, 1.85],
  [eightLetters, 1.85],
  [cifar10, 1.85],
];

/** What eight pictures are to cost beside one, at most, by each of our ways. */
const eightOverOne = { ways: ['simd', 'simd fast', 'simd-wide', 'simd-wide fast'], bar: 7.4 } as const;

/** All bars, with what a run has found. Who disagrees with PyTorch is no contender. */
export function barsOf(results: Results): readonly Bar[] {
  const measurements = results.measurements.filter(({ disagreement }) => disagreement === undefined);
  const counted = { ...results, measurements };
  return [
    ...ratios.map((ratio) => ratioBar(counted, ratio)),
    ...eightOverOne.ways.map((way) => batchBar(counted, way, eightOverOne.bar)),
    ...twoThreads.map(([place, bar]) => threadsBar(counted, place, bar)),
  ];
}

/** Our measurements in a case, on one thread. */
function oursIn({ measurements }: Results, { name, batch }: Place): readonly Measurement[] {
  return measurements.filter((one) => one.ours && one.threads === 1 && one.name === name && one.batch === batch);
}

function fastest(measurements: readonly Measurement[]): Measurement | undefined {
  return [...measurements].sort((a, b) => a.processor.median - b.processor.median)[0];
}

function ratioBar(results: Results, [ours, theirs, place, bar]: Ratio): Bar {
  const own = oursIn(results, place);
  const one = ours === 'best' ? fastest(own) : own.find(({ contender }) => contender === ours);
  const other = measurementOf(results, { ...place, threads: 1, contender: theirs });
  const found = one && other ? ratioOf(one, other) : NaN;
  const by = one?.contender ?? '';
  return { what: `${ours} / ${theirs}: ${titleOf(place)}`, bar, limit: 'most', found, by, met: found <= bar };
}

function batchBar(results: Results, way: string, bar: number): Bar {
  const [one, eight] = [letters, eightLetters].map((place) =>
    measurementOf(results, { ...place, threads: 1, contender: way }),
  );
  const found = one && eight ? ratioOf(eight, one) : NaN;
  return { what: `${way}: ${titleOf(eightLetters)} / one`, bar, limit: 'most', found, by: way, met: found <= bar };
}

function threadsBar(results: Results, place: Place, bar: number): Bar {
  const one = fastest(oursIn(results, place));
  const two = one && measurementOf(results, { ...place, threads: 2, contender: one.contender });
  const found = one && two ? ratioOf(one, two, 'wall') : NaN;
  const by = one?.contender ?? '';
  return { what: `two threads: ${titleOf(place)}`, bar, limit: 'least', found, by, met: found >= bar };
}

function titleOf({ name, batch }: Place): string {
  return batch === 1 ? name : `${name} × ${batch}`;
}

/** The bars as a table in Markdown. */
export function barsTable(bars: readonly Bar[]): string {
  const rows = bars.map(({ what, bar, limit, found, by, met }) => {
    const sign = limit === 'most' ? '≤' : '≥';
    const verdict = met ? 'yes' : 'no';
    const [ratio, share, said] = Number.isNaN(found)
      ? ['', '', 'not measured']
      : [found.toFixed(2), (found / bar).toFixed(2), verdict];
    return `| ${what} | ${by} | ${ratio} | ${sign} ${bar} | ${share} | ${said} |`;
  });
  return ['| what | by | found | bar | found ÷ bar | met |', '| --- | --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
