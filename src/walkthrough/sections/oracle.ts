/** The oracle asks this page itself: as it is, and with the mistake that is switched on. */
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import type { Section } from '../page.ts';
import type { CheckResult } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { caseName, runCaseName } from '../study.ts';
import { isInNetwork } from '../work/faults.ts';

/** The verdict of the oracle on the page, as it is and with the mistake. */
export const oracleSection: Section = (root, page) => {
  const [sound, broken] = [checkRow('this page'), checkRow('with the mistake')];
  const progress = status();
  root.append(sound.root, broken.root, progress.root);

  return () => {
    if (!isSecureContext) {
      sound.explain(
        'The oracle knows its files by their SHA-256, which browsers compute for pages on https or localhost only.',
      );
      setAttributes(broken.root, { hidden: true });
      return;
    }
    const { fault } = page.state();
    const asItIs = page.client.check({});
    sound.show(asItIs);
    const answers = isInNetwork(fault) ? [asItIs, page.client.check({ fault })] : [asItIs];
    const [, withFault] = answers;
    if (withFault) broken.show(withFault);
    else
      broken.explain(
        'It is not in the network, which is all that this page asks about, but in what a run makes of it. ' +
          `Of a port that makes it, the case ${runCaseName} says “${fault}”, first of all mistakes that it knows. ` +
          'Below are the commands.',
      );
    // A check that fails has a second result: which mistake it is.
    progress.show(answers, 2 * answers.length - 1, `the case ${caseName}, against the truth from PyTorch`);
  };
};

/** What came out of one check, or why there is none. */
interface CheckRow {
  readonly root: HTMLElement;
  show(answer: Answer<CheckResult>): void;
  explain(why: string): void;
}

function checkRow(title: string): CheckRow {
  const badge = element('span', { class: 'badge', hidden: true });
  const sentence = element('p', {});
  return {
    root: element('div', { class: 'checked' }, element('span', {}, title), badge, sentence),
    show({ results }) {
      const result = results.at(-1);
      setText(badge, result ? `${result.within} of ${result.taps} taps within budget` : 'computing');
      setAttributes(badge, { 'data-passes': result && String(result.passes), hidden: false });
      setText(sentence, result ? sentenceOf(result) : '');
    },
    explain(why) {
      setAttributes(badge, { hidden: true });
      setText(sentence, why);
    },
  };
}

function sentenceOf({ passes, verdict, where, named }: CheckResult): string {
  if (passes) return `${verdict.charAt(0).toUpperCase()}${verdict.slice(1)}.`;
  return `“${where ?? verdict}” ${nameOf(named)}`;
}

function nameOf(named: CheckResult['named']): string {
  if (named === undefined) return 'Which mistake it is will be known in a moment.';
  return named.length === 0
    ? 'No mistake that the oracle knows explains it.'
    : `What explains it: ${named.join(' and ')}.`;
}
