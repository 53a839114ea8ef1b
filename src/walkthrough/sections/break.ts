/** Break it: a mistake is switched on, and the reader sees what becomes of the picture and of the numbers. */
import { choice } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { errorView } from '../drawing/error-view.ts';
import { captioned, status } from '../drawing/figure.ts';
import { asPicture, paint, pictureCanvas } from '../drawing/picture.ts';
import type { Section } from '../page.ts';
import type { TraceRequest } from '../protocol.ts';
import { letterTrace, middleOf, pictureAt, usualScale } from '../requests.ts';
import { side, stepCount } from '../study.ts';
import { differences, largestDifference } from '../work/difference.ts';
import { faults, type FaultName } from '../work/faults.ts';

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
        element('div', { class: 'pair' }, captioned(right, 'as it should be'), captioned(wrong, 'broken')),
        captioned(errors.root, '‖x′ − x‖ / ‖x‖ after each of the steps'),
      ),
    ),
    says,
    progress.root,
  );

  return () => {
    const state = page.state();
    const sound = letterTrace(state, { kind: 'pag', scale: usualScale, layers: middleOf(page.model.layers) });
    const broken: TraceRequest = { ...sound, fault: state.fault };
    const answers = [page.lab.trace(sound), page.lab.trace(broken)];
    for (const [canvas, request, answer] of [
      [right, sound, answers[0]],
      [wrong, broken, answers[1]],
    ] as const) {
      paint(
        canvas,
        { width: side, height: side, values: pictureAt(request, answer, answer.results.length)!.data },
        asPicture,
      );
    }
    const apart = differences(answers[0].results, answers[1].results);
    errors.show(apart);
    list.show(state.fault);
    const done = answers.every((answer) => answer.done) && apart.length === stepCount;
    showDigest(root, done ? answers[1].results.at(-1)?.sample : undefined);
    const largest = done ? largestDifference(answers[0].results.at(-1)!.sample, answers[1].results.at(-1)!.sample) : 0;
    setText(says, done ? verdict(apart.at(-1)!, largest, state.fault) : '');
    setAttributes(says, { 'data-fault': done ? state.fault : undefined });
    progress.show(answers, 2 * stepCount, `the ${state.word[state.letter]}, right and wrong`);
  };
};

function verdict(error: number, largest: number, name: FaultName): string {
  const size = error < 0.001 ? error.toExponential(1) : `${(error * 100).toFixed(1)} %`;
  const seen =
    largest < 1e-3
      ? `Nobody sees it, and no pixel is off by more than ${largest.toExponential(1)}: a test with a tolerance of 1e-3 passes.`
      : largest < 0.1
        ? 'It takes a second look.'
        : 'Anyone can see that something is wrong. But what?';
  return `The letter is off by ${size}. ${seen} The oracle has a name for it: ${name}.`;
}
