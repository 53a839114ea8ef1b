/**
 * One step seen closely: what the model believes in with its attention, without that of the middle, and on the other
 * side. Of the pictures that nobody asked for, on the way that the model takes by itself.
 */
import type { Tensor } from '../../tensor/tensor.ts';
import { present } from '../checked.ts';
import { stepSlider } from '../drawing/controls.ts';
import { element } from '../drawing/dom.ts';
import { status } from '../drawing/figure.ts';
import { batchRow, plainPlaces } from '../drawing/picture-row.ts';
import type { Page, Section } from '../page.ts';
import type { PassesResult } from '../protocol.ts';
import type { Answer } from '../questions.ts';
import { remembered } from '../remembered.ts';
import { freeRun, middleOf, pictureAt, usualScale } from '../requests.ts';
import { heroPictures, noLetter, stepCount } from '../study.ts';
import { guidedBy } from '../work/plane.ts';

/** Three rows of x̂₀ at the step under study. */
export const trioSection: Section = (root, page) => {
  const titles = ['spoilt', 'as it is', `guided, s\u00a0=\u00a0${usualScale}`];
  const rows = ['spoilt', 'none', 'pag'].map((kind, i) => {
    const title = present(titles[i], 'title');
    return batchRow(title, kind, plainPlaces(`x̂₀, ${title}`, heroPictures));
  });
  const steps = stepSlider('trio-step', stepCount - 1, (step) => page.change({ step }));
  const progress = status();
  root.append(...rows.map((row) => row.root), element('div', { class: 'controls' }, steps.root), progress.root);
  const beliefsIn = remembered((result: PassesResult, picture: Tensor, index: number): readonly Tensor[] => {
    const guided = guidedBy({ ...result, unconditional: result.plain }, usualScale, 1);
    const predictions = [present(result.perturbed[0], 'perturbed prediction'), result.plain, guided];
    return predictions.map((prediction) => page.model.scheduler.predictOriginal(picture, prediction, index));
  });

  return () => {
    const index = Math.min(page.state().step, stepCount - 1);
    const { picture, answer } = lookTwice(page, index);
    const result = answer?.results[0];
    const beliefs = result && picture ? beliefsIn(result, picture, index) : [];
    for (const [i, row] of rows.entries()) row.show(beliefs[i], heroPictures, true);
    steps.show(index);
    progress.show(answer ? [answer] : [], 1, `two passes over ${heroPictures} pictures at step ${index}`);
  };
};

/** x_t of all pictures, and both predictions for it, as far as the run has come. */
function lookTwice(
  { client, model, state }: Page,
  index: number,
): { readonly picture?: Tensor | undefined; readonly answer?: Answer<PassesResult> } {
  const run = freeRun(state(), { kind: 'none' });
  const picture = pictureAt(run, client.run(run), index);
  if (!picture) return {};
  const asked = { sample: picture, index, label: noLetter, perturbations: [middleOf(model.layers)] };
  return { picture, answer: client.passes({ ...asked, unconditional: false, taps: [] }, JSON.stringify(run)) };
}
