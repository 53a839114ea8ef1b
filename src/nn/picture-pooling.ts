/**
 * A picture pooled by attention: `AttentionPool2d` of CLIP (Radford et al. 2021, arXiv 2103.00020, section 2.4), with
 * which the classifiers of Dhariwal & Nichol 2021 (arXiv 2105.05233) end.
 */
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import { weight, type Context } from './context.ts';
import { linear } from './layers.ts';
import { linearParameters, type Parameter } from './parameters.ts';
import { meanPixel } from './token-pooling.ts';

/**
 * The mean of all pixels asks itself and them, each at a learnt position; what it hears is projected:
 * [B,C,H,W] → [B,n].
 * @param path the module's path, under which its weights are found and its result shown
 * @param heads they divide C
 * @throws InputError when a weight is missing, or does not fit
 */
export function picturePooling(context: Context, path: string, x: Tensor, heads: number): Tensor {
  const { kernels } = context;
  const channels = extentOf(x, 1);
  const pixels = kernels.toTokens(x);
  const all = kernels.concatChannels(kernels.toTokens(meanPixel(kernels, pixels)), pixels);
  const position = weight(context, `${path}.positional_embedding`);
  const positions = kernels.concatBatch(Array.from({ length: extentOf(x, 0) }, () => position));
  const tokens = kernels.add(all, positions);
  const mixed = kernels.attention(
    linear(context, `${path}.q_proj`, kernels.sliceChannels(tokens, 0, 1)),
    linear(context, `${path}.k_proj`, tokens),
    linear(context, `${path}.v_proj`, tokens),
    heads,
    1 / Math.sqrt(channels / heads),
  );
  return context.tap(path, linear(context, `${path}.c_proj`, kernels.reshape(mixed, [channels])));
}

/**
 * Its parameters.
 * @param pixels H · W of the picture
 * @param results n
 */
export function picturePoolingParameters(
  path: string,
  channels: number,
  pixels: number,
  results: number,
): readonly Parameter[] {
  return [
    { name: `${path}.positional_embedding`, shape: [1, pixels + 1, channels], module: 'position' },
    ...linearParameters(`${path}.q_proj`, channels, channels),
    ...linearParameters(`${path}.k_proj`, channels, channels),
    ...linearParameters(`${path}.v_proj`, channels, channels),
    ...linearParameters(`${path}.c_proj`, channels, results),
  ];
}
