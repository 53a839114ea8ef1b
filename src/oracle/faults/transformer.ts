/** Mistakes in the transformers of UNet2DConditionModel, between picture and text, and in what the model is told. */
import { allocate, extentOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { Perturbation } from '../../models/stage.ts';
import type { Context } from '../../nn/context.ts';
import type { UNetConditionConfig } from '../../models/unet2d-condition/config.ts';
import type { ToldSizes } from '../case.ts';
import {
  filled,
  groupNormEps,
  inKernels,
  inKernelsOf,
  inParts,
  inStages,
  withChange,
  withKernels,
  type AnyStage,
  type Fault,
} from './fault.ts';

function inConditionConfig(
  name: string,
  says: string,
  change: (config: UNetConditionConfig) => Partial<UNetConditionConfig>,
): Fault {
  return inParts(name, says, ({ conditionConfig }) => ({
    conditionConfig: (config) => withChange(conditionConfig(config), change),
  }));
}

function inTimeIds(name: string, says: string, order: (sizes: ToldSizes) => readonly number[]): Fault {
  return inParts(name, says, () => ({ timeIds: order }));
}

/** In the perturbed pass, attention to the text beside a perturbed layer runs in a changed context. */
function besidePerturbed(name: string, says: string, change: (context: Context) => Context): Fault {
  const isBeside = (stage: AnyStage, perturbation: Perturbation): boolean =>
    asksText(stage) && perturbation.has(stage.path.replace(/attn2$/, 'attn1'));
  return inStages(name, says, (context, stage, perturbation) =>
    isBeside(stage, perturbation) ? change(context) : context,
  );
}

/** 1 on the diagonal of a map [B,h,N,M]: pixel n is given what token n is, and nothing beyond the last token. */
function diagonal(q: Tensor, k: Tensor, heads: number): Tensor {
  const [batch, queries, keys] = [extentOf(q, 0), extentOf(q, 1), extentOf(k, 1)];
  const map = tensor(q.dtype, [batch, heads, queries, keys], allocate(q.dtype, batch * heads * queries * keys));
  return filled(map, (i) => Number(Math.floor(i / keys) % queries === i % keys));
}

/** Of the two halves into which channels are cut, each is the other. */
function halvesSwapped(k: Kernels): Partial<Kernels> {
  return {
    sliceChannels: (x, start, end) => {
      const half = end - start;
      return 2 * half === extentOf(x, 1)
        ? k.sliceChannels(x, half - start, 2 * half - start)
        : k.sliceChannels(x, start, end);
    },
  };
}

/** Feed-forward networks with a gate: those of CLIP have none. */
const isGated = ({ kind, path }: AnyStage): boolean => kind === 'feed-forward' && path.endsWith('.ff');

const asksText = ({ kind }: AnyStage): boolean => kind === 'cross-attention';

const swapped = ([height, width]: readonly [number, number]): readonly [number, number] => [width, height];

/** Mistakes of transformers, and of what SDXL is told besides. */
export const transformerFaults: readonly Fault[] = [
  besidePerturbed(
    'cross-attention-perturbed',
    'perturb the attention to the text (attn2), too: only self-attention (attn1) gets the identity',
    (context) =>
      withKernels(context, (k) => ({
        attentionMap: diagonal,
        attention: (q, key, v, heads) => k.applyAttentionMap(diagonal(q, key, heads), v),
      })),
  ),
  besidePerturbed(
    'cross-attention-skipped',
    'leave out the attention to the text (attn2) in the perturbed pass: only self-attention (attn1) changes',
    (context) => withKernels(context, () => ({ add: (_, x) => x })),
  ),
  inConditionConfig(
    'heads-by-size',
    'read attention_head_dim as the size of a head: in these blocks it is the number of heads, whatever its name says',
    ({ blockOutChannels, attentionHeadDim }) => ({
      attentionHeadDim: attentionHeadDim.map((count, i) => Math.max(1, Math.floor((blockOutChannels[i] ?? 1) / count))),
    }),
  ),
  inKernelsOf(
    isGated,
    'geglu-swapped',
    'take the first half of the projection for the gate of GEGLU and the second for the value: ' +
      'the value comes first, the gate second',
    halvesSwapped,
  ),
  inKernelsOf(isGated, 'geglu-without-gate', 'do not apply GELU to the gate of GEGLU', () => ({
    activation: (x) => x,
  })),
  inKernelsOf(isGated, 'geglu-is-swiglu', 'use SiLU for the gate where GEGLU has GELU', (k) => ({
    activation: (x, kind) => k.activation(x, kind === 'gelu' ? 'silu' : kind),
  })),
  inKernelsOf(
    ({ kind }) => kind === 'projection',
    'transformer-norm-eps-1e-5',
    'use ε = 1e-5 in the group norm before the transformer blocks, where it is 1e-6, whatever norm_eps says',
    groupNormEps(1e-6, 1e-5),
  ),
  inKernels('layer-norm-eps-1e-6', 'use ε = 1e-6 in the layer norms, where it is 1e-5', (k) => ({
    layerNorm: (x, weight, bias, eps) => k.layerNorm(x, weight, bias, eps === 1e-5 ? 1e-6 : eps),
  })),
  inKernelsOf(
    ({ path }) => path.endsWith('.proj_out'),
    'transformer-residual-missing',
    'do not add the picture that came to the transformer to what comes out of proj_out',
    () => ({ add: (a) => a }),
  ),
  inKernelsOf(
    asksText,
    'cross-attention-residual-missing',
    'do not add the input of the attention to the text (attn2) to its output',
    () => ({ add: (a) => a }),
  ),
  inKernelsOf(asksText, 'cross-attention-missing', 'leave out the attention to the text (attn2)', () => ({
    add: (_, x) => x,
  })),
  inKernelsOf(
    isGated,
    'feed-forward-residual-missing',
    'do not add the input of the feed-forward network to its output',
    () => ({ add: (a) => a }),
  ),
  inTimeIds(
    'time-ids-width-first',
    'give the sizes as width, height: time_ids are [original height, width, crop top, left, target height, width]',
    ({ original, crop, target }) => [...swapped(original), ...swapped(crop), ...swapped(target)],
  ),
  inTimeIds(
    'time-ids-crop-last',
    'put the crop behind both sizes: time_ids are [original height, width, crop top, left, target height, width]',
    ({ original, crop, target }) => [...original, ...target, ...crop],
  ),
  inTimeIds(
    'time-ids-target-first',
    'put the target size first: time_ids are [original height, width, crop top, left, target height, width]',
    ({ original, crop, target }) => [...target, ...crop, ...original],
  ),
  inKernels(
    'text-embeds-behind-time-ids',
    'join [time ids, text_embeds] where [text_embeds, time ids] is meant',
    (k) => ({
      concatChannels: (a, b) => (a.shape.length === 2 ? k.concatChannels(b, a) : k.concatChannels(a, b)),
    }),
  ),
];
