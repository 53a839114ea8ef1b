/**
 * LoRA (Hu et al. 2021, arXiv 2106.09685): a weight's update as a product of two thin matrices, merged into the weight.
 */
import { matmul } from '../kernels/plain/matmul.ts';
import { at } from '../tensor/at.ts';
import { checkFinite, checkTensor, finite, mustBe, withParts } from '../tensor/checks.ts';
import { numbersOf } from '../tensor/deferred.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { extentOf, shapeText, sizeOf, tensor, type DType, type Tensor } from '../tensor/tensor.ts';
import { moduleFinder } from './lora-names.ts';
import { areWeights, type Weights } from './model.ts';

/** The update of one weight: (α/r) · up · down. */
export interface LoraUpdate {
  /** What the file calls it, for messages. */
  readonly name: string;
  /** Path of the module whose weight it is, as diffusers has it, or as Kohya's scripts do, with _ for every dot. */
  readonly module: string;
  /** A, [r,I]; of a convolution [r,I,kh,kw]. */
  readonly down: Tensor;
  /** B, [O,r]; of a convolution [O,r,1,1]. */
  readonly up: Tensor;
  /** α; r unless given. */
  readonly alpha?: number;
}

/** The updates of one model, and how much of them is merged. */
export interface ScaledLora {
  /** The file's name, for messages. */
  readonly source: string;
  readonly updates: readonly LoraUpdate[];
  /** s: 1 is all of it, 0 nothing. */
  readonly scale: number;
}

/** What has come of a merge. */
export interface MergedLora {
  /** All weights; those that no update changes are the ones that were given. */
  readonly weights: Weights;
  /** What updates are called that belong to no module of the model, by LoRA in the order given. */
  readonly unmatched: readonly (readonly string[])[];
}

/**
 * W + s₁ (α₁/r₁) B₁A₁ + s₂ (α₂/r₂) B₂A₂ + …: every element Σ_k B[o,k] · A[k,i] from k = 0 on, times its factor, added
 * to W LoRA by LoRA, all of it in double precision and rounded once. Every module has its own α. (diffusers rounds each
 * product and each sum to the dtype, and gives all attention projections of a Kohya file the commonest α.)
 * @param weights by the names of PyTorch's parameters; they are not changed
 * @param dtype of the weights that are changed; each its own, unless given
 * @throws InputError when an update does not fit its weight, has numbers that are not finite, or a module is updated
 *   twice by one LoRA; or a scale is no finite number, or so large that the sum is none
 */
export function mergeLora(weights: Weights, loras: readonly ScaledLora[], dtype?: DType): MergedLora {
  areWeights('the weights', weights);
  areLoras('the LoRAs', loras);
  const find = moduleFinder(weights.keys());
  const updates = new Map<string, Scaled[]>();
  const unmatched = loras.map(({ source, updates: all, scale }) => {
    aScale(`the scale of ${source}`, scale);
    const seen = new Set<string>();
    return all.flatMap((update) => {
      anUpdate(`an update of ${source}`, update);
      const path = find(update.module);
      const weight = path === undefined ? undefined : weights.get(`${path}.weight`);
      if (path === undefined || !weight) return [update.name];
      if (seen.has(path)) throw new InputError(`${source}: "${update.name}" is a second update of ${path}`);
      seen.add(path);
      const factor = (scale * (update.alpha ?? rankOf(update))) / rankOf(update);
      checkUpdate(source, update, path, weight);
      updates.set(path, [...(updates.get(path) ?? []), { update, factor }]);
      return [];
    });
  });
  const merged = new Map(weights);
  for (const [path, scaled] of updates) {
    const name = `${path}.weight`;
    const weight = weights.get(name);
    if (!weight) continue;
    const sum = sumOf(weight, scaled, dtype ?? weight.dtype);
    checkFinite(`${name} with what is merged into it, in ${sum.dtype},`, sum);
    merged.set(name, sum);
  }
  return { weights: merged, unmatched };
}

interface Scaled {
  readonly update: LoraUpdate;
  /** s α/r. */
  readonly factor: number;
}

const areLoras = mustBe(
  'a list of { source, updates, scale }',
  (loras) =>
    Array.isArray(loras) && loras.every((lora) => Array.isArray((Object(lora) as Partial<ScaledLora>).updates)),
);
const anUpdate = withParts<LoraUpdate>('one, as readLora gives it', 'name', 'module', 'down', 'up');
const aScale = finite();

/** r. */
function rankOf({ down }: LoraUpdate): number {
  return extentOf(down, 0);
}

function checkUpdate(source: string, { name, down, up, alpha }: LoraUpdate, path: string, weight: Tensor): void {
  for (const [part, value] of [
    ['down', down],
    ['up', up],
  ] as const) {
    checkTensor(`${source}: the ${part} of "${name}"`, value);
    checkFinite(`${source}: the ${part} of "${name}"`, value);
  }
  if (alpha !== undefined && !Number.isFinite(alpha))
    throw new InputError(`${source}: the alpha of "${name}" is ${alpha}; expected a finite number`);
  const [outputs = 0, ...inputs] = weight.shape;
  const [found = 0, rank = 0, ...others] = up.shape;
  const shapes = `up ${shapeText(up.shape)}, down ${shapeText(down.shape)}`;
  if (rank !== down.shape[0] || rank === 0)
    throw new InputError(`${source}: "${name}" has ${shapes}; the rank, the 2nd of up and 1st of down, must be one`);
  const fits = found === outputs && sizeOf(down.shape.slice(1)) === sizeOf(inputs) && sizeOf(others) === 1;
  if (!fits)
    throw new InputError(
      `${source}: "${name}" has ${shapes}, which do not make ${path}.weight ${shapeText(weight.shape)}`,
    );
}

function sumOf(weight: Tensor, scaled: readonly Scaled[], dtype: DType): Tensor {
  const outputs = extentOf(weight, 0);
  const inputs = sizeOf(weight.shape) / outputs;
  const sums = Float64Array.from(numbersOf(weight));
  const product = new Float64Array(sums.length);
  for (const { update, factor } of scaled) {
    const rank = rankOf(update);
    matmul(product, update.up.data, update.down.data, outputs, rank, inputs, rank);
    for (let i = 0; i < sums.length; i++) sums[i] = at(sums, i) + factor * at(product, i);
  }
  return cast(tensor('f64', weight.shape, sums), dtype);
}
