/**
 * What it takes to go back through one kind of operation. A network is a chain of operations; the loss at its end is a
 * number. Reverse mode asks every operation, from the last one to the first: of what the loss does when your result is
 * moved, what does it do when your inputs are?
 */
import type { Kernels } from '../kernels.ts';
import type { Attributes, Kind } from '../operations/index.ts';
import { InputError } from '../../tensor/errors.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** An operation that has been done, and what the loss does when its result is moved. */
export interface Application<K extends Kind> {
  /** What the way back computes with. */
  readonly kernels: Kernels;
  /** The operation's numbers. */
  readonly attributes: Attributes[K];
  /** Its tensors, in the order of the kernel's arguments. */
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  /** ∂L/∂output, of its shape. */
  readonly gradient: Tensor;
}

/**
 * ∂L/∂input for each of the inputs, of its shape; computed for whoever asks. Of an operation that only gradients have
 * (but transposition) it is an InputError: there are no second derivatives.
 */
export type Rule<K extends Kind> = (application: Application<K>) => readonly (() => Tensor)[];

/** Some rows of the table of rules. */
export type Rules<K extends Kind> = { readonly [Each in K]: Rule<Each> };

/** The rule of an operation that is not derived. @param reason what completes the kind to a sentence */
export function refused<K extends Kind>(kind: K, reason: string): Rule<K> {
  return () => {
    throw new InputError(`gradient: ${kind} ${reason}`);
  };
}

/** `make`, called at most once: what two inputs have in common on the way back. */
export function shared(make: () => Tensor): () => Tensor {
  let made: Tensor | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
