/** Break it: a mistake is switched on, and the reader sees what becomes of the picture and of the numbers. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { choice } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { errorView } from '../drawing/error-view.ts';
import { captioned, status } from '../drawing/figure.ts';
import { paintLetter, pictureCanvas } from '../drawing/picture.ts';
import type { Section } from '../page.ts';
import type { FaultName } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { latestPicture, letterRun, middlePag, usualScaleText } from '../requests.ts';
import { letterOf } from '../state.ts';
import { stepCount } from '../study.ts';
import { differences, largestDifference } from '../work/difference.ts';
import { faultNamed, faults, type Fault } from '../work/faults.ts';

/** A list of mistakes, the letter without and with the one that is chosen, and its error over the steps. */
export const breakSection: Section = (root, page) => {
  const right = pictureCanvas('the letter, as it should be');
  const wrong = pictureCanvas('the letter, with the mistake');
  const errors = errorView();
  const says = element('p', { class: 'verdict', 'aria-live': 'polite' });
  const list = choice(
    'fault',
    'A port that …',
    faults.map(({ name, says: text }) => [name, text] as const),
    (fault) => page.change({ fault }),
  );
  list.root.classList.add('column');
  const progress = status();
  root.append(
    element(
      'div',
      { class: 'break' },
      list.root,
      element(
        'div',
        {},
        element(
          'div',
          { class: 'pair' },
          captioned(right, `as it should be, ${usualScaleText}`),
          captioned(wrong, 'broken'),
        ),
        captioned(errors.root, '‖x′ − x‖ / ‖x‖ after each of the steps'),
      ),
    ),
    says,
    progress.root,
  );

  return () => {
    const state = page.state();
    const sound = letterRun(state, middlePag(page.model.layers));
    const broken = { ...sound, fault: state.fault };
    const [asItShould, asItIs] = [page.client.run(sound), page.client.run(broken)];
    paintLetter(right, latestPicture(sound, asItShould).data);
    paintLetter(wrong, latestPicture(broken, asItIs).data);
    errors.show(differences(asItShould.results, asItIs.results));
    list.show(state.fault);
    const outcome = outcomeOf(asItShould, asItIs);
    showDigest(root, outcome?.wrong);
    setText(says, outcome ? verdict(outcome, state.fault) : '');
    setAttributes(says, { 'data-fault': outcome && state.fault });
    progress.show([asItShould, asItIs], 2 * stepCount, `the ${letterOf(state)}, right and wrong`);
  };
};

/** How the runs have ended. */
interface Outcome {
  readonly wrong: SamplingStep['sample'];
  /** ‖x′ − x‖ / ‖x‖. */
  readonly error: number;
  /** The largest |x′ − x|. */
  readonly largest: number;
}

/** Undefined while one of them has not ended, and where one has failed. */
function outcomeOf(right: Answer<SamplingStep>, wrong: Answer<SamplingStep>): Outcome | undefined {
  const [rightEnd, wrongEnd] = [right.results[stepCount - 1], wrong.results[stepCount - 1]];
  const error = differences(right.results, wrong.results)[stepCount - 1];
  if (!right.done || !wrong.done || !rightEnd || !wrongEnd || error === undefined) return undefined;
  return { wrong: wrongEnd.sample, error, largest: largestDifference(rightEnd.sample, wrongEnd.sample) };
}

function verdict({ error, largest }: Outcome, name: FaultName): string {
  const size = error < 0.001 ? error.toExponential(1) : `${(error * 100).toFixed(1)} %`;
  return `The letter is off by ${size}. ${seenBy(largest, faultNamed(name))} The oracle has a name for it: ${name}.`;
}

function seenBy(largest: number, { showsAlone }: Fault): string {
  if (largest < 1e-3)
    return (
      `Nobody sees it, and no pixel is off by more than ${largest.toExponential(1)}: ` +
      'a test with a tolerance of 1e-3 passes.'
    );
  if (largest < 0.1) return 'It takes a second look.';
  return showsAlone
    ? 'Anyone can see that something is wrong. But what?'
    : 'Beside the right one you see that it is another letter. Alone it passes for a right one: nobody would know.';
}
