/** The attention layers, one below the other: to guess among, to compare, and to choose. */
import type { ModelPlan } from '../page.ts';
import { gridOf, plainName } from '../work/layers.ts';
import { element, setAttributes, setText } from './dom.ts';

/** What the reader knows by now. */
export interface Knowledge {
  /** The layer that they guessed, by its place among all; undefined when they did not. */
  readonly guess: number | undefined;
  /** Whether they may see how much the layers matter. */
  readonly revealed: boolean;
}

/** A list of layers. */
export interface LayerList {
  readonly root: HTMLElement;
  /**
   * @param chosen the layers that are perturbed, by their places
   * @param shares how much each layer matters; undefined while that is not known
   */
  show(knowledge: Knowledge, chosen: readonly number[], shares: readonly number[] | undefined): void;
}

/** @param choose is told the place of the layer that is guessed, or whose box is clicked */
export function layerList(model: ModelPlan, choose: (place: number) => void): LayerList {
  const rows = model.layers.map((path, place) => layerRow(model, path, place, choose));
  const root = element('div', { class: 'layer-list' }, ...rows.map((row) => row.root));
  return {
    root,
    show(knowledge, chosen, shares) {
      setAttributes(root, { 'data-revealed': knowledge.revealed });
      const most = shares ? Math.max(...shares) : 1;
      for (const [place, row] of rows.entries()) row.show(knowledge, chosen.includes(place), shares?.[place], most);
    },
  };
}

function layerRow(model: ModelPlan, path: string, place: number, choose: (place: number) => void) {
  const box = element('input', { type: 'checkbox', name: `layer-${place}` });
  let mayChoose = false;
  box.addEventListener('click', (event) => {
    if (!mayChoose) event.preventDefault();
  });
  box.addEventListener('change', () => choose(place));
  const bar = element('span', { class: 'bar' });
  const amount = element('span', { class: 'number' });
  const guessed = element('button', { type: 'button', class: 'guess', name: `guess-${place}` }, 'this one');
  guessed.addEventListener('click', () => choose(place));
  const grid = gridOf(model, path);
  const root = element(
    'div',
    { class: 'layer-row', 'data-layer': path },
    element(
      'label',
      {},
      box,
      element('span', { class: 'layer-name', title: path }, plainName(model.layers, path)),
      element('span', { class: 'grid' }, `${grid} × ${grid}`),
    ),
    element('span', { class: 'gauge' }, bar),
    amount,
    guessed,
  );
  return {
    root,
    show({ guess, revealed }: Knowledge, isChosen: boolean, share: number | undefined, most: number): void {
      mayChoose = revealed;
      box.checked = isChosen;
      setAttributes(box, { hidden: !revealed });
      setAttributes(guessed, { hidden: revealed });
      setAttributes(root, { 'data-guess': guess === place, 'data-most': share !== undefined && share === most });
      const seen = revealed ? share : undefined;
      bar.style.width = seen === undefined ? '0' : `${(seen / most) * 100}%`;
      setText(amount, seen === undefined ? '' : `${(seen * 100).toFixed(2)} %`);
    },
  };
}
