/** The sections in the order of the page. */
import type { Section } from '../page.ts';
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
import { noiseSection } from './noise.ts';
import { oracleSection } from './oracle.ts';
import { ownSection } from './own.ts';
import { takeSection } from './take.ts';
import { trainSection } from './train.ts';
import { whySection } from './why.ts';
import { tastingSection } from './tasting.ts';
import { wordSection } from './word.ts';
import { wordsSection } from './words.ts';

/** By the name of their place in the page; the first one is what a reader sees first. */
export const sections = [
  { name: 'hero', mount: heroSection },
  { name: 'engine', mount: engineSection },
  { name: 'bar', mount: barSection },
  { name: 'word', mount: wordSection },
  { name: 'noise', mount: noiseSection },
  { name: 'attention', mount: attentionSection },
  { name: 'brush', mount: brushSection },
  { name: 'direction', mount: directionSection },
  { name: 'why', mount: whySection },
  { name: 'knob', mount: knobSection },
  { name: 'own', mount: ownSection },
  { name: 'tasting', mount: tastingSection },
  { name: 'layers', mount: layersSection },
  { name: 'words', mount: wordsSection },
  { name: 'train', mount: trainSection },
  { name: 'hood', mount: hoodSection },
  { name: 'break', mount: breakSection },
  { name: 'oracle', mount: oracleSection },
  { name: 'take', mount: takeSection },
] as const satisfies readonly { readonly name: string; readonly mount: Section }[];
