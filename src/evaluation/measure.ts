/** All figures of an evaluation, with their confidence intervals. */
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { bootstrap, type BootstrapOptions, type Estimate } from './bootstrap.ts';
import { letterCount } from './classifier.ts';
import { varianceWithinLetters } from './diversity.ts';
import { fitGaussian, frechetDistanceTo, type Gaussian } from './frechet.ts';
import { effectiveLetters, inceptionScoreOf } from './inception-score.ts';
import { insideSupport } from './precision-recall.ts';
import { askedLabels, keepNumbers, type EvaluationRecord, type Seen } from './record.ts';
import { confidences, readLetters } from './recognition.ts';
import { chooseItems, chooseRows, firstRows, tableSize } from './rows.ts';

/** Names of figures; `better` says which way is up, `range` what they can be. */
export const figures = {
  frechetDistance: {
    title: 'Fréchet distance',
    better: 'lower',
    range: [0, Infinity],
    means: 'of the features to those of the held-out letters',
  },
  inceptionScore: {
    title: 'Inception Score',
    better: 'higher',
    range: [1, letterCount],
    means: `sure decisions, evenly spread over the letters: 1 to ${letterCount}`,
  },
  precision: {
    title: 'precision',
    better: 'higher',
    range: [0, 1],
    means: 'the share of pictures that lie among real letters',
  },
  recall: {
    title: 'recall',
    better: 'higher',
    range: [0, 1],
    means: 'the share of real letters that lie among the pictures',
  },
  confidence: {
    title: 'confidence',
    better: 'higher',
    range: [0, 1],
    means: "the mean probability of the classifier's best guess",
  },
  asAsked: {
    title: 'read as asked',
    better: 'higher',
    range: [0, 1],
    means: 'the share of pictures read as the letter that was asked for',
  },
  letters: {
    title: 'effective letters',
    better: 'higher',
    range: [1, letterCount],
    means: `how many different letters there seem to be: 1 to ${letterCount}`,
  },
  diversity: {
    title: 'diversity',
    better: 'higher',
    range: [0, Infinity],
    means: 'the variance within a letter, that of real letters being 1',
  },
} as const;

/** The name of a figure. */
export type Figure = keyof typeof figures;
/** The figures that could be had. */
export type Measurement = Readonly<Partial<Record<Figure, Estimate>>>;

/** What pictures are measured against, prepared once. */
export interface Reference {
  /** [N, 64]. */
  readonly features: Tensor;
  readonly distanceTo: (other: Gaussian) => number;
  readonly varianceWithin: number;
}

/** Real letters, as the classifier sees them, as what pictures are measured against. */
export function referenceOf({ features, probabilities }: Seen): Reference {
  return {
    features,
    distanceTo: frechetDistanceTo(fitGaussian(features)),
    varianceWithin: varianceWithinLetters(features, readLetters(probabilities)),
  };
}

/** A figure of any choice among things: pictures, or for recall real letters. */
interface Statistic {
  /** How many things there are. */
  readonly count: number;
  of(chosen: readonly number[]): number;
}

type Statistics = Readonly<Partial<Record<Figure, Statistic>>>;

/**
 * Every figure that can be had of these pictures. What asks for neighbours compares as many real letters as there are
 * pictures, as the paper does, and is left out where there are fewer than 5; a Fréchet distance needs 2.
 *
 * The intervals say how much another draw of pictures would change a figure; for recall it is the real letters that are
 * drawn again, and for both precision and recall the balls stay as they are, since a ball around a point drawn twice
 * would vanish.
 * @param asked the label that each picture should have, or nothing; labels beyond the letters ask for none
 * @throws InputError when there are no pictures
 */
export function measure(
  pictures: Seen,
  asked: readonly number[],
  real: Reference,
  options: BootstrapOptions = {},
): Measurement {
  return estimates(statisticsOf(pictures, asked, real), ({ count, of }, figure) =>
    within(figures[figure].range, bootstrap(count, of, options)),
  );
}

/**
 * The figures of a record.
 * @throws InputError when it has no pictures
 */
export function measureRecord(record: EvaluationRecord, real: Reference, options?: BootstrapOptions): Measurement {
  return measure(record, askedLabels(record), real, options);
}

/**
 * How much higher each figure of `record` is than that of `baseline`, for the pictures that both have. Pictures of one
 * number began with the same noise and are drawn again in pairs, so that the intervals are narrower than those of
 * either figure.
 * @throws InputError when they have no pictures in common
 */
export function measureDifference(
  record: EvaluationRecord,
  baseline: EvaluationRecord,
  real: Reference,
  options?: BootstrapOptions,
): Measurement {
  const common = record.numbers.filter((number) => baseline.numbers.includes(number));
  const statistics = (of: EvaluationRecord): Statistics => {
    const kept = keepNumbers(of, common);
    return statisticsOf(kept, askedLabels(kept), real);
  };
  const reference = statistics(baseline);
  return estimates(statistics(record), ({ count, of }, figure) => {
    const before = reference[figure];
    return before && bootstrap(count, (chosen) => of(chosen) - before.of(chosen), options);
  });
}

/** An interval that was moved by its bias may reach beyond what the figure can be. */
function within([least, most]: readonly [number, number], { value, low, high }: Estimate): Estimate {
  return { value, low: Math.min(value, Math.max(least, low)), high: Math.max(value, Math.min(most, high)) };
}

function statisticsOf({ features, probabilities }: Seen, asked: readonly number[], real: Reference): Statistics {
  const [count] = tableSize(features);
  const [, letters] = tableSize(probabilities);
  if (count < 1) throw new InputError('there are no pictures to measure');
  const read = readLetters(probabilities);
  const askedFor = asked.flatMap((letter, i) => (letter < letters ? [i] : []));
  return {
    ...(count >= 2 && {
      frechetDistance: { count, of: (chosen) => real.distanceTo(fitGaussian(chooseRows(features, chosen))) },
    }),
    inceptionScore: { count, of: inceptionScoreOf(probabilities) },
    ...(count >= 5 && neighbourStatistics(features, firstRows(real.features, count))),
    confidence: meanOf(confidences(probabilities)),
    ...(askedFor.length > 0 && { asAsked: shareOf(askedFor.map((i) => read[i] === asked[i])) }),
    letters: { count, of: (chosen) => effectiveLetters(probabilities, chosen) },
    diversity: {
      count,
      of: (chosen) =>
        varianceWithinLetters(chooseRows(features, chosen), chooseItems(read, chosen)) / real.varianceWithin,
    },
  };
}

function neighbourStatistics(features: Tensor, real: Tensor): Statistics {
  return { precision: shareOf(insideSupport(features, real)), recall: shareOf(insideSupport(real, features)) };
}

function shareOf(isTrue: readonly boolean[]): Statistic {
  return meanOf(isTrue.map(Number));
}

function meanOf(values: readonly number[]): Statistic {
  const mean = (numbers: readonly number[]): number =>
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  return { count: values.length, of: (chosen) => mean(chooseItems(values, chosen)) };
}

function estimates(
  statistics: Statistics,
  estimate: (statistic: Statistic, figure: Figure) => Estimate | undefined,
): Measurement {
  const entries = Object.entries(statistics).map(
    ([figure, statistic]) => [figure, estimate(statistic, figure as Figure)] as const,
  );
  return Object.fromEntries(entries.filter(([, found]) => found !== undefined));
}
