/** Which part of the network a section is about, for the map. */
import { present } from '../checked.ts';
import type { PartOf } from '../page.ts';
import { middleOf } from '../requests.ts';
import { plainName } from '../work/layers.ts';

/** All of it. */
export const wholeNetwork: PartOf = (_state, { stages }) => ({
  stages: stages.map(({ path }) => path),
  text: 'Here: the whole network, once for each prediction.',
});

/** The attention that PAG spoils. */
export const spoiltMiddle: PartOf = (_state, { layers }) => ({
  stages: middleOf(layers),
  text: 'Here: the middle, whose attention PAG makes the identity in its second pass.',
});

/** The same in the world of two numbers: its only attention stands for the middle's. */
export const toyOfMiddle: PartOf = (_state, { layers }) => ({
  stages: middleOf(layers),
  text: 'Here: a toy, in which two numbers stand for what the middle lets the parts of a picture know of one another.',
});

/** All attention layers. */
export const allAttention: PartOf = (_state, { layers }) => ({ stages: layers, text: 'Here: all attention layers.' });

/** The attention layer that is looked into. */
export const layerLookedInto: PartOf = ({ layer }, { layers }) => {
  const path = present(layers[layer], `attention layer ${layer}`);
  return { stages: [path], text: `Here: ${plainName(layers, path)}, whose map is shown.` };
};

/** The attention layers that the reader spoils. */
export const chosenLayers: PartOf = (state, { layers }) => {
  const chosen = layers.filter((_, place) => state.layers.includes(place));
  const names = chosen.map((path) => plainName(layers, path)).join(', ');
  return { stages: chosen, text: names === '' ? 'Here: no layer is chosen.' : `Here, to be spoilt: ${names}.` };
};

/** None of it. */
export const otherNetwork: PartOf = () => ({ stages: [], text: 'Here: another network, of the same kind.' });

/** None of it, either. */
export const noNetwork: PartOf = () => ({ stages: [], text: 'No part of the network is at hand.' });
