/** What runs through the stages of a UNet with conditions, as a value. */
import type { Tensors } from '../../kernels/kernels.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { PictureState } from '../picture-stages.ts';

/** The state between two stages. */
export interface UNetConditionState extends PictureState {
  /** [B,C,H,W]; inside of a transformer tokens, [B,H·W,C]. */
  readonly hidden: Tensor;
  /**
   * [B,D], the embedded time and what is added to it; before they are embedded [B,n], what the numbers t have become.
   */
  readonly temb: Tensor;
  /** The text that cross-attention asks, [B,M,D]; before it is projected, as the model was given it. */
  readonly encoder: Tensor | undefined;
  /** What the program was run with, by name: what is yet to be embedded, and masks. */
  readonly given: Tensors;
  /** Inside of a transformer the picture that came to it, [B,C,H,W]. */
  readonly residual?: Tensor;
}
