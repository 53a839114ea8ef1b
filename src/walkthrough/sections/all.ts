/** The sections in the order of the page. */
import type { PartOf, ReproductionOf, Section } from '../page.ts';
import { usualStep } from '../study.ts';
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
import * as how from './reproductions.ts';
import { takeSection } from './take.ts';
import { trainSection } from './train.ts';
import { trioSection } from './trio.ts';
import { whySection } from './why.ts';
import { tastingSection } from './tasting.ts';
import { wordSection } from './word.ts';
import { wordsSection } from './words.ts';

/**
 * By the name of their place in the page, with what of the network they are about, and how their figures, which have
 * their state from the page, are computed elsewhere; a reader sees the first first.
 */
export const sections: readonly Placed[] = [
  { name: 'hero', mount: heroSection, partOf: spoiltMiddle, reproduce: how.ofHero },
  { name: 'engine', mount: engineSection, partOf: noNetwork },
  { name: 'bar', mount: barSection, partOf: noNetwork },
  { name: 'trio', mount: trioSection, partOf: spoiltMiddle, reproduce: how.ofTrio, opensAt: usualStep },
  { name: 'word', mount: wordSection, partOf: spoiltMiddle, reproduce: how.ofWord },
  { name: 'noise', mount: noiseSection, partOf: wholeNetwork, reproduce: how.ofNoise, opensAt: usualStep },
  { name: 'attention', mount: attentionSection, partOf: layerLookedInto, reproduce: how.ofAttention, opensAt: 4 },
  { name: 'brush', mount: brushSection, partOf: allAttention, reproduce: how.ofBrush, opensAt: 4 },
  { name: 'direction', mount: directionSection, partOf: spoiltMiddle, reproduce: how.ofDirection, opensAt: usualStep },
  { name: 'why', mount: whySection, partOf: toyOfMiddle, reproduce: how.ofWhy },
  { name: 'knob', mount: knobSection, partOf: spoiltMiddle, reproduce: how.ofKnob },
  { name: 'own', mount: ownSection, partOf: spoiltMiddle, reproduce: how.ofOwn },
  { name: 'tasting', mount: tastingSection, partOf: spoiltMiddle, reproduce: how.ofTasting },
  { name: 'layers', mount: layersSection, partOf: chosenLayers, reproduce: how.ofLayers, opensAt: 2 },
  { name: 'words', mount: wordsSection, partOf: otherNetwork, reproduce: how.ofWords },
  { name: 'train', mount: trainSection, partOf: otherNetwork, reproduce: how.ofTrain },
  { name: 'letters', mount: lettersSection, partOf: otherNetwork, reproduce: how.ofLetters },
  { name: 'hood', mount: hoodSection, partOf: spoiltMiddle, reproduce: how.ofHood },
  { name: 'break', mount: breakSection, partOf: wholeNetwork },
  { name: 'oracle', mount: oracleSection, partOf: otherNetwork, reproduce: how.ofOracle },
  { name: 'take', mount: takeSection, partOf: spoiltMiddle },
];

/** A section and its place. */
interface Placed {
  readonly name: string;
  readonly mount: Section;
  readonly partOf: PartOf;
  readonly reproduce?: ReproductionOf;
  /** The step at which what is said of it can be seen. */
  readonly opensAt?: number;
}
