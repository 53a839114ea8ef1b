/** All figures of an evaluation, with their confidence intervals. */
import type { Tensor } from '../tensor/tensor.ts';
import { bootstrap, type BootstrapOptions, type Estimate } from './bootstrap.ts';
import { varianceWithinLetters } from './diversity.ts';
import { fitGaussian, frechetDistanceTo } from './frechet.ts';
import { effectiveLetters, inceptionScoreOf } from './inception-score.ts';
import { insideSupport } from './precision-recall.ts';
import { askedLabels, type EvaluationRecord, type Seen } from './record.ts';
import { confidences, readLetters } from './recognition.ts';
import { chooseRows, firstRows } from './rows.ts';

/** Names of figures; `better` says which way is up. */
export const figures = {
  frechetDistance: { title: 'Fréchet distance', better: 'lower', means: 'of the features to those of the held-out letters' },
  inceptionScore: { title: 'Inception Score', better: 'higher', means: 'sure decisions, evenly spread over the letters: 1 to 26' },
  precision: { title: 'precision', better: 'higher', means: 'the share of pictures that lie among real letters' },
  recall: { title: 'recall', better: 'higher', means: 'the share of real letters that lie among the pictures' },
  confidence: { title: 'confidence', better: 'higher', means: "the mean probability of the classifier's best guess" },
  asAsked: { title: 'read as asked', better: 'higher', means: 'the share of pictures read as the letter that was asked for' },
  letters: { title: 'effective letters', better: 'higher', means: 'how many different letters there seem to be: 1 to 26' },
  diversity: { title: 'diversity', better: 'higher', means: 'the variance within a letter, that of real letters being 1' },
} as const;

export type Figure = keyof typeof figures;
export type Measurement = Readonly<Partial<Record<Figure, Estimate>>>;

/**
 * Every figure that can be had of these pictures. What asks for neighbours compares as many real letters as there are pictures,
 * as the paper does, and is left out where there are fewer than 5; a Fréchet distance needs 2.
 *
 * The intervals say how much another draw of pictures would change a figure; for recall it is the real letters that are drawn
 * again, and for both precision and recall the balls stay as they are, since a ball around a point drawn twice would vanish.
 * @param asked the label that each picture should have, or nothing; labels beyond the letters ask for none
 */
export function measure(pictures: Seen, asked: readonly number[], real: Seen, options: BootstrapOptions = {}): Measurement {
  const count = pictures.features.shape[0];
  if (count < 1) throw new RangeError('there are no pictures to measure');
  const { features, probabilities } = pictures;
  const of = (statistic: (chosen: readonly number[]) => number): Estimate => bootstrap(count, statistic, options);
  const shareOf = (isTrue: readonly boolean[]): Estimate => bootstrap(isTrue.length, meanOf(isTrue.map(Number)), options);

  const distance = frechetDistanceTo(fitGaussian(real.features));
  const read = readLetters(probabilities);
  const askedFor = asked.flatMap((letter, i) => (letter < probabilities.shape[1] ? [i] : []));
  const realVariance = varianceWithinLetters(real.features, readLetters(real.probabilities));
  return {
    ...(count >= 2 && { frechetDistance: of((chosen) => distance(fitGaussian(chooseRows(features, chosen)))) }),
    inceptionScore: of(inceptionScoreOf(probabilities)),
    ...(count >= 5 && neighbourFigures(features, firstRows(real.features, count), shareOf)),
    confidence: of(meanOf(confidences(probabilities))),
    ...(askedFor.length > 0 && { asAsked: shareOf(askedFor.map((i) => read[i] === asked[i])) }),
    letters: of((chosen) => effectiveLetters(probabilities, chosen)),
    diversity: of((chosen) => varianceWithinLetters(chooseRows(features, chosen), chosen.map((i) => read[i])) / realVariance),
  };
}

function neighbourFigures(features: Tensor, real: Tensor, shareOf: (isTrue: readonly boolean[]) => Estimate): Measurement {
  return { precision: shareOf(insideSupport(features, real)), recall: shareOf(insideSupport(real, features)) };
}

function meanOf(values: readonly number[]): (chosen: readonly number[]) => number {
  return (chosen) => chosen.reduce((sum, i) => sum + values[i], 0) / chosen.length;
}

/** The figures of a record. */
export function measureRecord(record: EvaluationRecord, real: Seen, options?: BootstrapOptions): Measurement {
  return measure(record, askedLabels(record), real, options);
}
