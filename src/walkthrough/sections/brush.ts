/** Brushed away: places of the picture that no pixel may hear; with all of them gone it is the identity. */
import type { Tensor } from '../../tensor/tensor.ts';
import { norm, subtract } from '../../tensor/arithmetic.ts';
import { only, present } from '../checked.ts';
import { cellPad } from '../drawing/cell-pad.ts';
import { button } from '../drawing/controls.ts';
import { showDigest } from '../drawing/digest.ts';
import { element, setAttributes, setText, symbol } from '../drawing/dom.ts';
import { captioned, status } from '../drawing/figure.ts';
import { paintLetter, pictureCanvas } from '../drawing/picture.ts';
import type { Pixel } from '../drawing/pixel-picker.ts';
import type { Page, Section } from '../page.ts';
import { studyStep } from '../requests.ts';
import { hushCells } from '../work/hush.ts';

const all: readonly number[] = Array.from({ length: hushCells ** 2 }, (_, cell) => cell);

/** x̂₀ to brush over, x̂₀ without what was brushed away, and the limit. */
export const brushSection: Section = (root, page) => {
  const pad = brushPad(page);
  const without = pictureCanvas('what the model believes in without the places that were brushed away');
  const limit = pictureCanvas('what it believes in when every pixel hears itself alone');
  const [far, count] = [element('span', { class: 'number' }), element('span', { class: 'number' })];
  const progress = status();
  root.append(
    element(
      'div',
      { class: 'triple' },
      captioned(pad.root, symbol('x̂', '0'), ' Brush over it, with a finger too: ', count, ' places are gone'),
      captioned(without, 'Nobody hears them, in any layer: ', far, ' of the way to the identity'),
      captioned(limit, element('b', { class: 'spoilt' }, 'the identity'), ' in all layers'),
    ),
    element(
      'div',
      { class: 'controls' },
      button('brush all away', 'hush-all', () => page.change({ hushed: all })),
      button('bring all back', 'hush-none', () => page.change({ hushed: [] })),
    ),
    progress.root,
  );

  return () => {
    const gone = page.state().hushed;
    const study = studyStep(page, {
      perturbations: [page.model.layers],
      unconditional: false,
      taps: [],
      hushed: gone,
    });
    pad.veil(gone);
    setText(count, `${gone.length} of ${all.length}`);
    progress.show(study.passes ? [study.passes] : [], 1, `three passes at step ${study.index}`);
    const { seen, index } = study;
    if (!seen) return;
    const original = (prediction: Tensor): Tensor =>
      page.model.scheduler.predictOriginal(seen.picture, prediction, index);
    const [whole, less, least] = [
      original(seen.result.plain),
      original(present(seen.result.hushed, 'hushed prediction')),
      original(present(seen.result.perturbed[0], 'perturbed prediction')),
    ];
    paintLetter(pad.canvas, whole.data);
    paintLetter(without, less.data);
    paintLetter(limit, least.data);
    const way = only(norm(subtract(less, whole))) / only(norm(subtract(least, whole)));
    setText(far, `${Math.round(100 * way)} %`);
    showDigest(root, less);
  };
};

/** The picture that is brushed over: a veil lies on each place that is gone. */
function brushPad(page: Page) {
  const numberOf = ([x, y]: Pixel): number => y * hushCells + x;
  const hushed = (): readonly number[] => page.state().hushed;
  const { root, canvas } = cellPad({
    cells: hushCells,
    label: 'The picture in cells. Arrow keys move, the space bar brushes a cell away, or brings it back.',
    isSet: (cell) => hushed().includes(numberOf(cell)),
    set(cell, value) {
      const number = numberOf(cell);
      if (hushed().includes(number) === value) return;
      page.change({ hushed: value ? [...hushed(), number] : hushed().filter((other) => other !== number) });
    },
  });
  const veils = all.map(() => element('span', {}));
  root.append(element('div', { class: 'veils', 'aria-hidden': 'true' }, ...veils));
  return {
    root,
    canvas,
    veil(gone: readonly number[]): void {
      for (const [cell, veil] of veils.entries()) setAttributes(veil, { 'data-gone': gone.includes(cell) });
    },
  };
}
