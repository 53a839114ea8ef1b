/** A blind tasting: which of two is better? Then how often the guided one was, for the reader and the classifier. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { referenceKernels } from '../../kernels/plain/index.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { button } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { letterKey } from '../drawing/letter-key.ts';
import { paintLetter } from '../drawing/picture.ts';
import { rateView } from '../drawing/rate-view.ts';
import { tastedPairs, type Uncovered } from '../drawing/tasted-pairs.ts';
import type { Page, Section } from '../page.ts';
import type { Answer } from '../questions.ts';
import { middlePag, sampleOf } from '../requests.ts';
import { noLetter, stepCount } from '../study.ts';
import { pairsOf, rounds, tastedScales, winRates, type Pair } from '../work/tasting.ts';

/** What the reader has tasted. It is between the reader and the page, and no part of the state. */
interface Tasting {
  readonly seed: number;
  /** Whether the guided picture was preferred, for each pair so far. */
  readonly preferred: readonly boolean[];
}

/** Two pictures to choose from, until all pairs have been seen; then the rates. */
export const tastingSection: Section = (root, page) => {
  let tasting: Tasting | undefined;
  const turn = (next: Tasting): void => {
    tasting = next;
    page.change({});
  };
  const begin = button('begin', 'taste', () => {
    turn({ seed: page.state().seed, preferred: [] });
    // The button goes: the keyboard stays where it was.
    question.focus({ preventScroll: true });
  });
  const question = element('p', { class: 'question', 'aria-live': 'polite', tabindex: -1 });
  const choices = choiceView((first) => {
    const pair = tasting && pairOf(tasting);
    if (!tasting || !pair) return;
    turn({ ...tasting, preferred: [...tasting.preferred, first === pair.guidedFirst] });
    if (!pairOf(tasting)) question.focus({ preventScroll: true });
  });
  const chart = rateView();
  const outcome = element('span', {});
  const uncovered = tastedPairs();
  const figures = element(
    'div',
    {},
    captioned(chart.root, outcome),
    captioned(uncovered.root, 'All pairs as they stood. Framed is the guided picture; ✓ says who took it.'),
  );
  const progress = status();
  root.append(question, begin, choices.root, figures, progress.root);

  return () => {
    // With another seed it is another tasting.
    if (tasting?.seed !== page.state().seed) tasting = undefined;
    const drawn = tasting ? askRounds(page, tasting) : [];
    const pair = tasting && pairOf(tasting);
    const isOver = tasting !== undefined && !pair;
    setAttributes(begin, { hidden: tasting !== undefined && !isOver });
    setText(begin, isOver ? 'once more' : 'begin');
    const pictures = pair && drawn.flatMap((round) => picturesOf(round, pair));
    setText(question, questionOf(tasting, pictures?.length === 0));
    choices.show(pictures);
    setAttributes(figures, { hidden: !isOver });
    setAttributes(progress.root, { hidden: !tasting });
    progress.show(
      drawn.flatMap(({ answers }) => answers),
      2 * stepCount * drawn.length,
      'the pictures of the pairs',
    );
    if (!tasting || !isOver) return;
    const pairs = pairsOf(tasting.seed).flat();
    const sure = preferencesOf(page, tasting.seed, drawn);
    chart.show(winRates(pairs, tasting.preferred), sure && winRates(pairs, sure));
    setText(outcome, outcomeText(tasting.preferred, sure));
    uncovered.show(uncoveredPairs(pairs, drawn, tasting.preferred, sure));
  };
};

/** The pair that stands to be judged; undefined when all have been. */
function pairOf({ seed, preferred }: Tasting): Pair | undefined {
  return pairsOf(seed).flat()[preferred.length];
}

/** The pictures of a round: alone, and guided. */
interface Round {
  readonly pairs: readonly Pair[];
  readonly answers: readonly [alone: Answer<SamplingStep>, guided: Answer<SamplingStep>];
}

/** The rounds up to the one behind that of the reader, so that nobody waits. */
function askRounds({ client, model }: Page, { seed, preferred }: Tasting): readonly Round[] {
  const begun = Math.floor(preferred.length / tastedScales.length) + 2;
  return pairsOf(seed)
    .slice(0, Math.min(begun, rounds))
    .map((pairs) => {
      const run = { seed, slices: pairs.map(({ slice }) => slice), labels: pairs.map(() => noLetter) };
      const scale = pairs.map((pair) => pair.scale);
      const alone = client.run({ ...run, guidance: { kind: 'none' } });
      const guided = client.run({ ...run, guidance: middlePag(model.layers, scale) });
      return { pairs, answers: [alone, guided] };
    });
}

/** What the runs have drawn that are done. */
function endsOf(answers: readonly Answer<SamplingStep>[]): readonly Tensor[] {
  return answers.flatMap(({ results }) => results[stepCount - 1]?.sample ?? []);
}

/** The two pictures of a pair, as they stand side by side; none where it is not of this round, or not drawn yet. */
function picturesOf({ pairs, answers }: Round, pair: Pair): readonly Tensor[] {
  const place = pairs.findIndex(({ slice }) => slice === pair.slice);
  const ends = endsOf(answers);
  if (place < 0 || ends.length < answers.length) return [];
  const both = ends.map((batch) => sampleOf(batch, place));
  return pair.guidedFirst ? both.reverse() : both;
}

/** Whether the classifier is surer of the guided picture, for each pair; undefined while that is not known. */
function preferencesOf({ client }: Page, seed: number, drawn: readonly Round[]): readonly boolean[] | undefined {
  const ends = endsOf(drawn.flatMap(({ answers }) => answers));
  if (ends.length < 2 * rounds) return undefined;
  const request = { pictures: referenceKernels.concatBatch(ends) };
  const confidences = client.judge(request, `tasting ${seed}`).results[0]?.confidences;
  if (!confidences) return undefined;
  const count = tastedScales.length;
  return drawn.flatMap(({ pairs }, round) =>
    pairs.map((_, i) => {
      const alone = 2 * round * count + i;
      return (confidences[alone + count] ?? NaN) > (confidences[alone] ?? NaN);
    }),
  );
}

/** What there is to be said of the pairs once all have been judged. */
function uncoveredPairs(
  pairs: readonly Pair[],
  drawn: readonly Round[],
  reader: readonly boolean[],
  classifier: readonly boolean[] | undefined,
): readonly Uncovered[] {
  return pairs.map((pair, i) => ({
    ...pair,
    pictures: drawn.flatMap((round) => picturesOf(round, pair)),
    taken: { you: reader[i] ?? false, classifier: classifier?.[i] },
  }));
}

function questionOf(tasting: Tasting | undefined, isAwaited: boolean): string {
  const pairs = rounds * tastedScales.length;
  if (!tasting)
    return `${pairs} pairs, each from one noise: one picture is guided, the other is not. Which is the better letter?`;
  const { length } = tasting.preferred;
  if (length === pairs) return 'That is all of them.';
  return `Pair ${length + 1} of ${pairs}: ${isAwaited ? 'it is being drawn …' : 'which is the better letter?'}`;
}

function outcomeText(reader: readonly boolean[], classifier: readonly boolean[] | undefined): string {
  const won = (preferred: readonly boolean[]): string =>
    `in ${preferred.filter(Boolean).length} of ${preferred.length}`;
  const other = classifier ? `, and the classifier is surer of it ${won(classifier)} (broken line)` : '';
  return (
    `You took the guided one ${won(reader)} (full line)${other}. ` +
    `With ${rounds} pairs for each s, chance has its say; other noise, other pairs.`
  );
}

/** Two pictures that can be chosen. @param choose is told whether it was the left one */
function choiceView(choose: (first: boolean) => void) {
  const keys = [true, false].map((first) => {
    const name = first ? 'the left one' : 'the right one';
    const key = letterKey(name, () => {
      if (key.root.ariaDisabled !== 'true') choose(first);
    });
    return key;
  });
  const root = element('div', { class: 'pair tasting' }, ...keys.map((key) => key.root));
  return {
    root,
    /** @param pictures none while they are not drawn; undefined when there is nothing to choose */
    show(pictures: readonly Tensor[] | undefined): void {
      setAttributes(root, { hidden: !pictures });
      for (const [i, key] of keys.entries()) {
        paintLetter(key.canvas, pictures?.[i]?.data);
        // So, and not `disabled`, it keeps the focus while the next pair is being drawn.
        setAttributes(key.root, { 'aria-disabled': String(!pictures?.[i]) });
      }
    },
  };
}
