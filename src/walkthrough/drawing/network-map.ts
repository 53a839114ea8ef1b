/**
 * The map of the network: small in the bar that stays in view, and unfolded below it. Marked is what the section at
 * hand is about; its attention layers lead to where one is looked into.
 */
import type { ModelPlan, Part } from '../page.ts';
import { element, setText } from './dom.ts';
import { titleOf, unetView } from './unet-view.ts';

/** A map. */
export interface NetworkMap {
  readonly root: HTMLElement;
  /** @param part what is marked */
  show(part: Part): void;
}

/** @param go is told the path of the attention layer that is to be looked into */
export function networkMap(model: ModelPlan, go: (path: string) => void): NetworkMap {
  const small = unetView(model);
  const large = unetView(model, {
    label: 'The network: the picture comes in on the left, and what the model predicts leaves on the right.',
    byKey: true,
    clicked(path) {
      root.open = false;
      go(path);
    },
  });
  const said = element('p', { class: 'map-text' });
  const root = element(
    'details',
    { class: 'map' },
    element('summary', { title: 'the map of the network' }, small.root, element('span', {}, 'map')),
    element('div', { class: 'map-panel' }, large.root, said),
  );
  let text = '';
  const point = ({ target }: Event): void => {
    const path = target instanceof Element ? target.closest('[data-layer]')?.getAttribute('data-layer') : undefined;
    setText(said, path ? titleOf(model, path) : text);
  };
  for (const type of ['pointerover', 'focusin', 'focusout', 'pointerleave']) large.root.addEventListener(type, point);
  return {
    root,
    show(part) {
      for (const view of [small, large]) view.show(part.stages);
      // What is said of the layer under the pointer stays while nothing else is at hand.
      if (part.text === text) return;
      text = part.text;
      setText(said, text);
    },
  };
}
