/** Mistakes in the autoencoder, and in what pipelines do to its latents. */
import type { AutoencoderKLConfig } from '../../models/autoencoder-kl/config.ts';
import { groupNormEps, inKernels, inKernelsOf, inParts, withChange, type Fault } from './fault.ts';

function inAutoencoderConfig(
  name: string,
  says: string,
  change: (config: AutoencoderKLConfig) => Partial<AutoencoderKLConfig>,
): Fault {
  return inParts(name, says, ({ autoencoderConfig }) => ({
    autoencoderConfig: (config) => withChange(autoencoderConfig(config), change),
  }));
}

/** Mistakes of autoencoders. */
export const autoencoderFaults: readonly Fault[] = [
  inAutoencoderConfig(
    'latents-not-scaled',
    'forget scaling_factor: latents are multiplied by it for diffusion, and divided by it before they are decoded',
    () => ({ scalingFactor: 1 }),
  ),
  inAutoencoderConfig(
    'latents-scaled-inversely',
    'apply scaling_factor the wrong way round: multiply after encoding, divide before decoding',
    ({ scalingFactor }) => ({ scalingFactor: 1 / scalingFactor }),
  ),
  inAutoencoderConfig('latents-not-shifted', 'forget shift_factor', () => ({ shiftFactor: undefined })),
  inKernelsOf(
    ({ path }) => /^(encoder|decoder)\.(conv|down|mid|up)/.test(path),
    'autoencoder-norm-eps-1e-5',
    'use ε = 1e-5 in the group norms of the autoencoder, where it is 1e-6',
    groupNormEps(1e-6, 1e-5),
  ),
  inAutoencoderConfig('quant-convolution-missing', 'leave out quant_conv and post_quant_conv', () => ({
    useQuantConv: false,
    usePostQuantConv: false,
  })),
  inKernels('picture-not-halved', 'leave out x/2 + 1/2, which brings the picture from [−1, 1] to [0, 1]', (k) => ({
    affine: (x, factor, offset) => (factor === 0.5 && offset === 0.5 ? x : k.affine(x, factor, offset)),
  })),
];
