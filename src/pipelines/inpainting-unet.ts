/** A UNet of inpainting, as it is when the picture and the mask are there. */
import { referenceKernels } from '../kernels/plain/index.ts';
import { repeated } from '../models/inputs.ts';
import type { ModelInput } from '../models/model.ts';
import type { UNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { InputError } from '../tensor/errors.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';

/**
 * The UNet with its further channels filled: what is left of it draws latents as any other does.
 * @param unet of 2C + 1 channels for latents of C
 * @param given mask and masked picture in latents, [B,C+1,h,w] or [1,C+1,h,w]; they come behind the sample's channels
 * @throws InputError for a UNet that has no room for them
 */
export function inpaintingUNet(unet: UNetCondition, given: Tensor): UNetCondition {
  const inChannels = unet.inChannels - extentOf(given, 1);
  if (inChannels !== unet.outChannels)
    throw new InputError(
      `mask and masked picture have ${extentOf(given, 1)} channels, which with ${unet.outChannels} of latents ` +
        `are not the ${unet.inChannels} that the UNet takes`,
    );
  const whole = (input: ModelInput): ModelInput => {
    const further = repeated(given, extentOf(input.sample, 0));
    return { ...input, sample: referenceKernels.concatChannels(input.sample, further) };
  };
  return {
    ...unet,
    inChannels,
    check: (input) => unet.check(whole(input)),
    tensors: (input, weights, dtype) => unet.tensors(whole(input), weights, dtype),
  };
}
