/** The figures of restored letters: fixtures/evaluation/restoration.json. */
import { realLetters } from '../../../src/cli/evaluate.ts';
import { loadLetterClassifier } from '../../../src/cli/evaluation-job.ts';
import { tasks, type Task } from '../../../src/cli/restoration-task.ts';
import { shippedLetters } from '../../../src/cli/shipped.ts';
import { bootstrap, type Estimate } from '../../../src/evaluation/bootstrap.ts';
import { fitGaussian, frechetDistanceTo } from '../../../src/evaluation/frechet.ts';
import type { Backend } from '../../../src/kernels/kernels.ts';
import { at } from '../../../src/tensor/at.ts';
import { tensor } from '../../../src/tensor/tensor.ts';
import { scaleGroups, settingKey, type Method, type Weights } from './plan.ts';
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
type Statistics = (letters: readonly Restored[]) => Readonly<Record<Figure, Statistic>>;

/** With fewer letters a task says too little. */
const fewest = 26;
const scales = scaleGroups.flat().sort((a, b) => a - b);

/** What figures are computed by: the Fréchet distance is that to the features of all held-out letters. */
export async function openStatistics(backend: Backend): Promise<Statistics> {
  const real = await realLetters(shippedLetters, await loadLetterClassifier(), backend);
  const toReal = frechetDistanceTo(fitGaussian(real.features));
  return (letters) => {
    const mean = (of: (letter: Restored) => number): Statistic => {
      return (chosen) => chosen.reduce((sum, i) => sum + of(at(letters, i)) / chosen.length, 0);
    };
    const features = letters.map((letter) => Float32Array.from(letter.features));
    return {
      psnr: mean(({ psnr }) => psnr),
      distance: mean(({ distance }) => distance),
      frechet: (chosen) => toReal(fitGaussian(table(chosen.map((i) => at(features, i))))),
    };
  };
}

function table(rows: readonly Float32Array[]) {
  const columns = at(rows, 0).length;
  const data = new Float32Array(rows.length * columns);
  for (const [i, row] of rows.entries()) data.set(row, i * columns);
  return tensor('f32', [rows.length, columns], data);
}

/** The rows of a method, task by task; of what has been drawn. */
export function rowsOfRecord(record: RestorationRecord, weights: Weights, statistics: Statistics): readonly Row[] {
  const { method } = record.conditions;
  return tasks.flatMap((task) => {
    const weight = weights[task];
    const lettersOf = (scale: number) => record.restored[settingKey({ task, scale, weight })] ?? {};
    const plain = lettersOf(0);
    return scales.flatMap((scale): readonly Row[] => {
      const guided = lettersOf(scale);
      const numbers = Object.keys(plain).filter((number) => guided[number]);
      if (numbers.length < fewest) return [];
      const [ours, theirs] = [guided, plain].map((one) => statistics(numbers.flatMap((number) => one[number] ?? [])));
      if (!ours || !theirs) return [];
      const estimated = (of: (figure: Figure) => Statistic): Figures => {
        const estimate = (figure: Figure) => [figure, bootstrap(numbers.length, of(figure))] as const;
        return Object.fromEntries(figureNames.map(estimate)) as unknown as Figures;
      };
      const change = (figure: Figure): Statistic => {
        return (chosen) => ours[figure](chosen) - theirs[figure](chosen);
      };
      const row = {
        method,
        task,
        scale,
        weight,
        letters: numbers.length,
        figures: estimated((figure) => ours[figure]),
      };
      return [scale === 0 ? row : { ...row, change: estimated(change) }];
    });
  });
}
