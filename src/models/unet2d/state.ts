/** What runs through the stages of a UNet, as a value. */
import type { Tensor } from '../../tensor/tensor.ts';
import type { PictureState } from '../picture-stages.ts';

/** The state between two stages. */
export interface UNetState extends PictureState {
  /** [B,D], the embedded time and class; before they are embedded [B,n], what the numbers t have become. */
  readonly temb: Tensor;
  /** The class before it is embedded, where the model has one. */
  readonly classInput?: Tensor;
  /** In models with skip blocks: the sample, [B,3,H,W], halved as often as the way down has halved what flows. */
  readonly skipInput?: Tensor;
  /** In models with skip blocks: what the way up has drawn so far, [B,3,H,W], which is added to the prediction. */
  readonly skipOutput?: Tensor;
}
