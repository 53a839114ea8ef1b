/** The figures of restored letters: fixtures/evaluation/restoration.json. */
import { tasks, type Method, type Task } from '../../../src/cli/restoration-task.ts';
import { bootstrap, type Estimate } from '../../../src/evaluation/bootstrap.ts';
import { fitGaussian, frechetDistanceTo } from '../../../src/evaluation/frechet.ts';
import { chooseRows } from '../../../src/evaluation/rows.ts';
import { at } from '../../../src/tensor/at.ts';
import { tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { scaleGroups, settingKey, type Weights } from './plan.ts';
import type { Conditions, RestorationRecord, Restored } from './record.ts';

/** What is measured of restored letters, which way is up, and how many digits it is good for. */
export const figures = {
  psnr: { title: 'PSNR in dB', better: 'higher', digits: 2 },
  distance: { title: 'feature distance', better: 'lower', digits: 2 },
  frechet: { title: 'Fréchet distance', better: 'lower', digits: 1 },
} as const;
/** One of them. */
export type Figure = keyof typeof figures;
/** Their names, in the order of the table. */
export const figureNames = Object.keys(figures) as Figure[];
/** All of them. */
export type Figures = Readonly<Record<Figure, Estimate>>;

/** A task with so much guidance. */
export interface Row {
  readonly method: Method;
  readonly task: Task;
  /** s of PAG; 0 is no guidance. */
  readonly scale: number;
  readonly weight: number;
  readonly letters: number;
  readonly figures: Figures;
  /** Against no guidance, letter by letter. */
  readonly change?: Figures;
}

/** What restoration.json holds. */
export interface RestorationResults {
  /** Of each method. */
  readonly conditions: readonly Conditions[];
  readonly rows: readonly Row[];
}

type Statistic = (chosen: readonly number[]) => number;
/** Of letters, what is estimated of those that are chosen. */
export type Statistics = (letters: readonly Restored[]) => Readonly<Record<Figure, Statistic>>;

/** With fewer letters a task says too little. */
const fewest = 26;

/** What figures are computed by. @param real features, [n, 64], to which the Fréchet distance is */
export function statisticsTo(real: Tensor): Statistics {
  const toReal = frechetDistanceTo(fitGaussian(real));
  return (letters) => {
    const mean = (of: (letter: Restored) => number): Statistic => {
      return (chosen) => chosen.reduce((sum, i) => sum + of(at(letters, i)) / chosen.length, 0);
    };
    const features = table(letters.map((letter) => letter.features));
    return {
      psnr: mean(({ psnr }) => psnr),
      distance: mean(({ distance }) => distance),
      frechet: (chosen) => toReal(fitGaussian(chooseRows(features, chosen))),
    };
  };
}

function table(rows: readonly (readonly number[])[]): Tensor {
  return tensor('f32', [rows.length, rows[0]?.length ?? 0], Float32Array.from(rows.flat()));
}

/**
 * The rows of a method, task by task. What is compared has been drawn in all tasks and, of the scales that are drawn
 * in turn, with each: all rows of such a group are of the same letters.
 */
export function rowsOfRecord(record: RestorationRecord, weights: Weights, statistics: Statistics): readonly Row[] {
  const { method } = record.conditions;
  const lettersOf = (task: Task, scale: number): Letters =>
    record.restored[settingKey({ task, scale, weight: weights[task] })] ?? {};
  const rows = scaleGroups.flatMap((group) => {
    const numbersOf = (task: Task): readonly string[] =>
      inAll([0, ...group].map((scale) => Object.keys(lettersOf(task, scale))));
    const drawn = tasks.filter((task) => numbersOf(task).length >= fewest);
    const numbers = inAll(drawn.map(numbersOf));
    return drawn.flatMap((task) =>
      group.map((scale): Row => {
        const chosen = (from: number) => statistics(numbers.flatMap((number) => lettersOf(task, from)[number] ?? []));
        const row = { method, task, scale, weight: weights[task], letters: numbers.length };
        return { ...row, ...estimates(numbers.length, chosen(scale), scale === 0 ? undefined : chosen(0)) };
      }),
    );
  });
  return tasks.flatMap((task) => rows.filter((row) => row.task === task).sort((a, b) => a.scale - b.scale));
}

type Letters = Readonly<Record<string, Restored>>;

/** What is in every one of some lists. */
function inAll([first = [], ...others]: readonly (readonly string[])[]): readonly string[] {
  const sets = others.map((list) => new Set(list));
  return first.filter((one) => sets.every((set) => set.has(one)));
}

type StatisticsOf = ReturnType<Statistics>;

/** The figures, and, where there is no guidance to compare them with, how they change. */
function estimates(
  count: number,
  ours: StatisticsOf,
  plain: StatisticsOf | undefined,
): Pick<Row, 'figures' | 'change'> {
  const all = (of: (figure: Figure) => Statistic): Figures => ({
    psnr: bootstrap(count, of('psnr')),
    distance: bootstrap(count, of('distance')),
    frechet: bootstrap(count, of('frechet')),
  });
  const found = all((figure) => ours[figure]);
  if (!plain) return { figures: found };
  return { figures: found, change: all((figure) => (chosen) => ours[figure](chosen) - plain[figure](chosen)) };
}
