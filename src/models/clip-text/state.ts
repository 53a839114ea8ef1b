/** What runs through the stages of a text encoder, as a value. */
import type { Tensors } from '../../kernels/kernels.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** The state between two stages. */
export interface ClipTextState {
  /** [B,N,C], the tokens. */
  readonly hidden: Tensor;
  /** What the program was run with, by name: where the text is pooled. */
  readonly given: Tensors;
}
