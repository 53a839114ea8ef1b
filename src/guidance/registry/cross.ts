/** The guidances that change how pixels read a text: they act in cross-attention. */
import { selectCrossLayers } from '../../models/selectors.ts';
import { InputError } from '../../tensor/errors.ts';
import { cfg } from '../cfg.ts';
import { nag } from '../nag.ts';
import type { Parameter } from '../parameters.ts';
import { pladis } from '../pladis.ts';
import {
  classifierFreeScale,
  guidanceScaleParameter,
  needsNullCondition,
  type GuidanceContext,
  type GuidanceEntry,
  type Values,
} from './entry.ts';

/** By their names, in the order of help. */
export const crossEntries: Readonly<Record<string, GuidanceEntry>> = {
  nag: {
    summary:
      'normalised attention guidance: the pixels read the text and go away from what they read of the negative one',
    formula:
      'ε(∅) + g (ε(c) − ε(∅)), ε(c) with Z ← α Z̃ + (1 − α) Z in cross-attention, Z̃ = Z + φ (Z − Z⁻) cut to τ ‖Z‖₁, ' +
      'Z⁻: of the text of ∅',
    source: 'Chen et al. 2025, arXiv 2505.21179',
    parameters: [
      { name: 'nagScale', kind: 'number', summary: "φ; 0 is without (the authors' nag_scale is φ + 1)", default: 4 },
      {
        name: 'nagTau',
        kind: 'number',
        summary: 'τ: how many times as long as without guidance a token may be',
        default: 2.5,
        least: 0,
      },
      {
        name: 'nagAlpha',
        kind: 'number',
        summary: 'α: the share of the guided tokens in the result',
        default: 0.25,
        least: 0,
        most: 1,
      },
      crossLayersParameter('nagLayers'),
      guidanceScaleParameter(1),
    ],
    create(values, context) {
      const [nagScale, nagAlpha] = [values.number('nagScale'), values.number('nagAlpha')];
      if (nagScale !== 0 && nagAlpha !== 0) needsNullCondition(0, context);
      const layers = crossLayersOf(values, 'nagLayers', context);
      return nag(
        { nagScale, nagAlpha, nagTau: values.number('nagTau'), layers },
        cfg(classifierFreeScale(values, context)),
      );
    },
  },
  pladis: {
    summary: 'beyond sparse attention to the text: the words that matter little do not count at all',
    formula:
      'ε(∅) + g (ε(c) − ε(∅)), both with λ α-entmax(Q Kᵀ/√d) + (1 − λ) softmax(Q Kᵀ/√d) for the map of cross-attention',
    source: 'Kim & Sim 2025, arXiv 2503.07677',
    parameters: [
      { name: 'pladisScale', kind: 'number', summary: 'λ; 0 is without, 1 sparse attention alone', default: 2 },
      {
        name: 'pladisAlpha',
        kind: 'choice',
        summary: 'α: how sparse; 2 is sparsemax',
        default: '1.5',
        choices: ['1.5', '2'],
      },
      crossLayersParameter('pladisLayers'),
      guidanceScaleParameter(1),
    ],
    create: (values, context) =>
      pladis(
        {
          pladisScale: values.number('pladisScale'),
          pladisAlpha: values.text('pladisAlpha') === '2' ? 2 : 1.5,
          layers: crossLayersOf(values, 'pladisLayers', context),
        },
        cfg(classifierFreeScale(values, context)),
      ),
  },
};

/** A parameter that selects layers of cross-attention; all of them, unless given. */
function crossLayersParameter(name: string): Parameter {
  const summary = 'the layers that ask the text: cross is all of them, cross:mid those of the middle block';
  return { name, kind: 'layers', site: 'cross', summary, default: ['cross'] };
}

/** @throws InputError where the model has no such layer, or a selector selects none */
function crossLayersOf(
  values: Values,
  name: string,
  { attentionLayers, crossAttentionLayers = [] }: GuidanceContext,
): readonly string[] {
  if (crossAttentionLayers.length > 0) return selectCrossLayers(values.texts(name), crossAttentionLayers);
  throw new InputError(
    'the guidance acts where pixels read a text, in cross-attention, and the model has none; ' +
      `its attention layers are ${attentionLayers.join(', ')}, where pixels see one another`,
  );
}
