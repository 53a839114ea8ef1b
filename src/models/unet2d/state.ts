/** What runs through the stages of a UNet, as a value. */
import type { Tensor } from '../../tensor/tensor.ts';

/** The state between two stages. */
export interface UNetState {
  /** [B,C,H,W], what flows through. */
  readonly hidden: Tensor;
  /** What the way down has left for the way up, the latest last. */
  readonly skips: readonly Tensor[];
  /** [B,D], the embedded time and class; before they are embedded [B,n], what the numbers t have become. */
  readonly temb: Tensor;
  /** The class before it is embedded, where the model has one. */
  readonly classInput?: Tensor;
}
