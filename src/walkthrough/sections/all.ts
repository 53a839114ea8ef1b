/** The sections in the order of the page. */
import type { PartOf, Section } from '../page.ts';
import { attentionSection } from './attention.ts';
import { barSection } from './bar.ts';
import { breakSection } from './break.ts';
import { brushSection } from './brush.ts';
import { directionSection } from './direction.ts';
import { engineSection } from './engine.ts';
import { heroSection } from './hero.ts';
import { hoodSection } from './hood.ts';
import { knobSection } from './knob.ts';
import { layersSection } from './layers.ts';
import { lettersSection } from './letters.ts';
import { noiseSection } from './noise.ts';
import { oracleSection } from './oracle.ts';
import { ownSection } from './own.ts';
import {
  allAttention,
  chosenLayers,
  layerLookedInto,
  noNetwork,
  otherNetwork,
  spoiltMiddle,
  toyOfMiddle,
  wholeNetwork,
} from './parts.ts';
import { takeSection } from './take.ts';
import { trainSection } from './train.ts';
import { trioSection } from './trio.ts';
import { whySection } from './why.ts';
import { tastingSection } from './tasting.ts';
import { wordSection } from './word.ts';
import { wordsSection } from './words.ts';

/** By the name of their place in the page, with what of the network they are about; a reader sees the first first. */
export const sections = [
  { name: 'hero', mount: heroSection, partOf: spoiltMiddle },
  { name: 'engine', mount: engineSection, partOf: noNetwork },
  { name: 'bar', mount: barSection, partOf: noNetwork },
  { name: 'trio', mount: trioSection, partOf: spoiltMiddle },
  { name: 'word', mount: wordSection, partOf: spoiltMiddle },
  { name: 'noise', mount: noiseSection, partOf: wholeNetwork },
  { name: 'attention', mount: attentionSection, partOf: layerLookedInto },
  { name: 'brush', mount: brushSection, partOf: allAttention },
  { name: 'direction', mount: directionSection, partOf: spoiltMiddle },
  { name: 'why', mount: whySection, partOf: toyOfMiddle },
  { name: 'knob', mount: knobSection, partOf: spoiltMiddle },
  { name: 'own', mount: ownSection, partOf: spoiltMiddle },
  { name: 'tasting', mount: tastingSection, partOf: spoiltMiddle },
  { name: 'layers', mount: layersSection, partOf: chosenLayers },
  { name: 'words', mount: wordsSection, partOf: otherNetwork },
  { name: 'train', mount: trainSection, partOf: otherNetwork },
  { name: 'letters', mount: lettersSection, partOf: otherNetwork },
  { name: 'hood', mount: hoodSection, partOf: spoiltMiddle },
  { name: 'break', mount: breakSection, partOf: wholeNetwork },
  { name: 'oracle', mount: oracleSection, partOf: otherNetwork },
  { name: 'take', mount: takeSection, partOf: spoiltMiddle },
] as const satisfies readonly { readonly name: string; readonly mount: Section; readonly partOf: PartOf }[];
