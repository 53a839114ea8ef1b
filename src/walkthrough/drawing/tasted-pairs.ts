/** The pairs of a tasting, uncovered: which was guided, how strongly, and who took it. */
import type { Tensor } from '../../tensor/tensor.ts';
import { rounds, tastedScales, type Pair } from '../work/tasting.ts';
import { element, setAttributes, setText } from './dom.ts';
import { captioned } from './figure.ts';
import { paintLetter, pictureCanvas } from './picture.ts';

/** A pair, and how it was judged. */
export interface Uncovered extends Pair {
  /** As they stood side by side. */
  readonly pictures: readonly Tensor[];
  /** Whether the guided picture was taken: by the reader, and by the classifier, where that is known. */
  readonly taken: { readonly you: boolean; readonly classifier: boolean | undefined };
}

/** All pairs. */
export interface TastedPairs {
  readonly root: HTMLElement;
  show(pairs: readonly Uncovered[]): void;
}

/** A column for each scale, the pairs below one another. */
export function tastedPairs(): TastedPairs {
  const columns = tastedScales.map((scale) => {
    const pairs = Array.from({ length: rounds }, uncoveredPair);
    const title = element('b', { class: 'pag' }, `s = ${scale}`);
    return { scale, pairs, root: element('div', {}, title, ...pairs.map(({ root }) => root)) };
  });
  return {
    root: element('div', { class: 'tasted' }, ...columns.map(({ root }) => root)),
    show(all) {
      for (const { scale, pairs } of columns) {
        const own = all.filter((pair) => pair.scale === scale);
        for (const [i, view] of pairs.entries()) view.show(own[i]);
      }
    },
  };
}

function uncoveredPair() {
  const canvases = ['left', 'right'].map((side) => pictureCanvas(side));
  const judged = element('span', {});
  return {
    root: captioned(element('div', { class: 'pair' }, ...canvases), judged),
    show(pair: Uncovered | undefined): void {
      for (const [i, canvas] of canvases.entries()) {
        const isGuided = pair?.guidedFirst === (i === 0);
        setAttributes(canvas, { 'data-guided': isGuided, 'aria-label': isGuided ? 'guided' : 'not guided' });
        paintLetter(canvas, pair?.pictures[i]?.data);
      }
      setText(judged, pair ? judgedText(pair.taken) : '');
    },
  };
}

/** Who took the guided one. */
function judgedText({ you, classifier }: Uncovered['taken']): string {
  const mark = (isGuided: boolean | undefined): string => (isGuided ? '✓' : '✗');
  return `you ${mark(you)}${classifier === undefined ? '' : `, classifier ${mark(classifier)}`}`;
}
