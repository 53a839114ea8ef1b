/** Mistakes in the perturbed pass: what is perturbed, how, and where. */
import { addScaled, scale } from '../../tensor/arithmetic.ts';
import { exp } from '../../tensor/math/index.ts';
import { identity, offDiagonalMask, skip, uniform } from '../../nn/attention-perturbations/index.ts';
import type { AttentionMixer } from '../../nn/attention.ts';
import type { Context } from '../../nn/context.ts';
import type { Pass } from '../../guidance/guidance.ts';
import { byMixer, identityLike, inPass, inStages, withKernels, withWeights, type Fault } from './fault.ts';

/** In the perturbed pass, other layers. */
function byLayers(
  name: string,
  says: string,
  choose: (selected: readonly string[], all: readonly string[]) => readonly string[],
): Fault {
  return inPass(name, says, (pass, all) =>
    pass.perturbation.size === 0
      ? pass
      : {
          ...pass,
          perturbation: new Map(choose([...pass.perturbation.keys()], all).map((layer) => [layer, identity])),
        },
  );
}

/** In perturbed layers, a changed context. */
function whenPerturbed(name: string, says: string, change: (context: Context) => Context): Fault {
  return inStages(name, says, (context, { path }, perturbation) =>
    perturbation.has(path) ? change(context) : context,
  );
}

/** The identity in place of linear layers that are square, without bias. */
function withoutLinear(context: Context, parameter: RegExp): Context {
  return withWeights(context, (name, weight) => {
    const [, kind] = parameter.exec(name) ?? [];
    if (kind === undefined) return weight;
    return kind === 'bias' ? undefined : (identityLike(weight) ?? weight);
  });
}

const mean = uniform();

/** softmax(I): e on the diagonal and 1 beside it, normalised. */
const softmaxOfIdentity: AttentionMixer = {
  key: 'softmax-of-identity',
  mix: (input) => {
    const tokens = input.value.shape[1];
    const total = exp(1) + tokens - 1;
    return addScaled(scale(mean.mix(input), tokens / total), (exp(1) - 1) / total, input.value);
  },
};

const plain = (pass: Pass): Pass => ({ ...pass, perturbation: new Map() });

/** Mistakes that only PAG makes possible. */
export const pagFaults: readonly Fault[] = [
  inPass('pag-off', 'do not perturb anything: the perturbed pass is the plain one', plain),
  byMixer(
    'pag-uniform-map',
    'set Q and K to zero where the map becomes the identity: every token then attends to all alike',
    uniform(),
  ),
  byMixer(
    'pag-softmax-of-identity',
    'take the softmax of the identity (Q Kᵀ replaced) where the map itself becomes the identity',
    softmaxOfIdentity,
  ),
  byMixer(
    'pag-diagonal-of-map',
    'keep the diagonal of the attention map where it becomes the identity',
    offDiagonalMask(),
  ),
  byMixer('pag-skips-layer', 'leave out the whole attention layer where only its map becomes the identity', skip),
  whenPerturbed('pag-skips-to-out', 'leave out to_out in the perturbed layers', (context) =>
    withoutLinear(context, /attentions.*to_out\.0\.(weight|bias)/),
  ),
  whenPerturbed(
    'pag-skips-to-v',
    'let the identity act on the input of the layer where it acts on the values',
    (context) => withoutLinear(context, /attentions.*to_v\.(weight|bias)/),
  ),
  whenPerturbed(
    'pag-value-bias-missing',
    'let the identity act before the bias of the values: to_v without its bias in the perturbed layers',
    (context) => withWeights(context, (name, weight) => (/attentions.*to_v\.bias$/.test(name) ? undefined : weight)),
  ),
  whenPerturbed('pag-skips-norm', 'leave out the norm in the perturbed layers', (context) =>
    withKernels(context, () => ({ groupNorm: (x) => x, layerNorm: (x) => x })),
  ),
  whenPerturbed('pag-drops-residual', 'do not add the input of the perturbed layers to their output', (context) =>
    withKernels(context, () => ({ add: (a) => a })),
  ),
  byLayers('pag-everywhere', 'perturb all attention layers where some are selected', (_, all) => all),
  byLayers('pag-next-layer', 'perturb the attention layer after the one that is selected', (selected, all) =>
    selected.map((layer) => all[(all.indexOf(layer) + 1) % Math.max(1, all.length)] ?? layer),
  ),
  byLayers(
    'pag-by-prefix',
    'select layers by the beginning of their names: attentions.1 then also selects attentions.10',
    (selected, all) => all.filter((layer) => selected.some((wanted) => layer.startsWith(wanted))),
  ),
  byLayers('pag-first-layer-only', 'perturb only the first of the selected layers', (selected) => selected.slice(0, 1)),
  byLayers('pag-whole-block', 'perturb all attention layers of the block where one is selected', (selected, all) => {
    const blocks = selected.map((layer) => layer.replace(/\.attentions\.\d+.*$/, '.'));
    return all.filter((layer) => blocks.some((block) => layer.startsWith(block)));
  }),
  inPass('pag-leaks', 'leave the perturbation switched on: the plain pass is perturbed, too', (pass, _, asked) => {
    const leaking = asked.find(({ perturbation }) => perturbation.size > 0);
    return leaking ? { ...pass, perturbation: leaking.perturbation } : pass;
  }),
  inPass('pag-without-condition', 'run the perturbed pass without the condition', (pass) =>
    pass.perturbation.size > 0 ? { ...pass, condition: 'null' } : pass,
  ),
];
