/** The oracle asks this page itself: as it is, and with the mistake that is switched on. */
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import type { Answer } from '../lab.ts';
import type { Section } from '../page.ts';
import type { CheckResult } from '../protocol.ts';
import { caseName } from '../study.ts';
import { faultNamed } from '../work/faults.ts';

export const oracleSection: Section = (root, page) => {
  const [sound, broken] = ['this page', 'with the mistake'].map((title) => {
    const badge = element('span', { class: 'badge' });
    const sentence = element('p', {});
    return { badge, sentence, row: element('div', { class: 'checked' }, element('span', {}, title), badge, sentence) };
  });
  const progress = status();
  root.append(sound.row, broken.row, progress.root);

  const show = ({ badge, sentence }: typeof sound, { results }: Answer<CheckResult>): void => {
    const result = results.at(-1);
    setText(badge, result ? `${result.within} of ${result.taps} taps within budget` : 'computing');
    setAttributes(badge, { 'data-passes': result && String(result.passes), hidden: false });
    setText(sentence, result ? sentenceOf(result) : '');
  };
  const explain = ({ badge, sentence }: typeof sound, why: string): void => {
    setAttributes(badge, { hidden: true });
    setText(sentence, why);
  };

  return () => {
    if (!isSecureContext) {
      explain(
        sound,
        'The oracle knows its files by their SHA-256, which browsers compute for pages on https or localhost only.',
      );
      setAttributes(broken.row, { hidden: true });
      return;
    }
    const { fault } = page.state();
    const answers = [page.lab.check({})];
    show(sound, answers[0]);
    if (faultNamed(fault).kernels) {
      answers.push(page.lab.check({ fault }));
      show(broken, answers[1]);
    } else {
      explain(
        broken,
        'It is not in the network, but in what is made of its predictions: cases of whole runs find it, as runs/pag.',
      );
    }
    // A check that fails has a second result: which mistake it is.
    progress.show(answers, 2 * answers.length - 1, `the case ${caseName}, against the truth from PyTorch`);
  };
};

function sentenceOf({ passes, verdict, where, named }: CheckResult): string {
  if (passes) return `${verdict[0].toUpperCase()}${verdict.slice(1)}.`;
  const name =
    named === undefined
      ? 'Which mistake it is will be known in a moment.'
      : named.length === 0
        ? 'No mistake that the oracle knows explains it.'
        : `What explains it: ${named.join(' and ')}.`;
  return `“${where ?? verdict}” ${name}`;
}
