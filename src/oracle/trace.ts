/** What a case gives when somebody computes it: every value that has a name, in the order of the data flow. */
import { mustBe } from '../tensor/checks.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { cast } from '../tensor/rounding.ts';
import type { Case } from './case.ts';
import type { Implementation } from './implementation.ts';
import type { Show } from './recipes/recipe.ts';
import { recipeOf } from './recipes/recipes.ts';

/** The values of a case, by the name of the tap, in the order of the data flow. */
export type Trace = ReadonlyMap<string, Tensor>;

/** How a case is computed. */
export interface Precision {
  /** Inputs and weights are rounded to it first. */
  readonly storage: DType;
  /** What tensors are stored in while computing. */
  readonly compute: DType;
}

/** In double precision, on numbers as they are in f32. */
export const exact: Precision = { storage: 'f32', compute: 'f64' };

/** What is done to a case while it is computed. */
export interface TraceOptions {
  /**
   * Values that take the place of those computed under these names, so that each layer is computed from *their* input.
   * The trace holds what was computed, not what was forced.
   */
  readonly forced?: Trace;
  /** The values to keep; all, unless given. With the last of them the trace ends. */
  readonly names?: ReadonlySet<string>;
  /**
   * What becomes of every value that is forced, for to store it was a rounding even where the port computes more
   * exactly, and of every value that the arithmetic of schedulers and guidance is given.
   */
  readonly disturb?: (value: Tensor) => Tensor;
  /** Whether each pass runs from its start and so shows all its values, as ports do; else passes share their start. */
  readonly apart?: boolean;
  /** Inputs and weights in the precision of the trace, where they are known: those of `preparedFor`. */
  readonly prepared?: Prepared;
  /** Is told of every value that is kept; where it says no, the trace ends there. */
  readonly goOn?: (name: string, value: Tensor) => boolean;
}

/** What a case is computed from, in some precision. */
export type Prepared = Pick<Case, 'inputs' | 'weights'>;

/** Inputs and weights of a case in a precision. */
export function preparedFor({ inputs, weights }: Prepared, { storage, compute }: Precision): Prepared {
  const prepare = (tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> =>
    new Map([...tensors].map(([name, value]) => [name, cast(cast(value, storage), compute)]));
  return { inputs: prepare(inputs), weights: prepare(weights) };
}

/** A case. */
export const aCase = mustBe('one, as readCase gives it', (value) => {
  const { subject, inputs, weights } = Object(value) as Partial<Case>;
  return typeof subject?.kind === 'string' && inputs instanceof Map && weights instanceof Map;
});

/** Ends a trace that nobody wants to go on with. */
class Enough extends Error {}

/**
 * Computes a case.
 * @throws InputError when it is none, or what it has does not fit together
 */
export function traceCase(
  one: Case,
  implementation: Implementation,
  precision: Precision,
  { forced, names, disturb = (value) => value, apart = false, prepared, goOn }: TraceOptions = {},
): Trace {
  aCase('the case', one);
  const seen = new Map<string, Tensor>();
  const isArithmetic = ['scheduler', 'guidance', 'run', 'text-to-image', 'optimiser'].includes(one.subject.kind);
  const watches = (name: string): boolean => !names || names.has(name);
  const touched = (value: Tensor): Tensor => (isArithmetic ? disturb(value) : value);
  const show: Show = (name, value) => {
    if (watches(name)) {
      seen.set(name, value);
      if (goOn?.(name, value) === false || seen.size === names?.size) throw new Enough();
    }
    const theirs = forced?.get(name);
    return theirs ? disturb(cast(theirs, value.dtype)) : touched(value);
  };
  const { inputs: given, weights } = prepared ?? preparedFor(one, precision);
  const inputs = new Map([...given].map(([name, value]) => [name, touched(value)]));
  try {
    recipeOf(one.subject)({ inputs, weights, dtype: precision.compute, implementation, show, watches, apart });
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return seen;
}
