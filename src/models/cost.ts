/**
 * What passes of a model cost, counted in the graph that the fast kernels compute: the multiply-adds of convolutions,
 * linear layers and attention. Nothing is computed for it, and no weights are needed.
 */
import { productsOf } from '../kernels/operations/index.ts';
import { referenceKernels } from '../kernels/plain/index.ts';
import type { Program, Tensors } from '../kernels/kernels.ts';
import { traceProgram } from '../kernels/trace.ts';
import { zeros } from '../tensor/tensor.ts';
import { anArchitecture, type Architecture } from './model.ts';
import { arePasses, forwardPasses, onSites } from './passes.ts';
import { parametersOf, sitesOf, unperturbed, type Perturbation } from './stage.ts';

/**
 * Multiply-adds of passes that share what they have in common.
 * @param input its sample's shape and its condition count, not its numbers
 * @param passes one perturbation each, by the paths of the layers; an empty one for the plain pass
 * @throws InputError when the input does not fit the operations of the model
 */
export function passCost<Input, State>(
  architecture: Architecture<unknown, Input, State>,
  input: Input,
  passes: readonly Perturbation[],
): number {
  anArchitecture('the architecture', architecture);
  architecture.check(input);
  arePasses('passes', passes);
  const parameters = parametersOf(architecture.stages);
  // Tables that are looked up when the input is prepared; all other weights have a shape only.
  const tables = parameters.filter(({ module }) => module === 'embedding' || module === 'fourier');
  const known = new Map(tables.map(({ name, shape }) => [name, zeros('f32', shape)]));
  const tensors = architecture.tensors(input, known, 'f32');
  const attentionLayers = sitesOf(architecture.stages);
  const resolved = passes.map((perturbation) => onSites({ attentionLayers }, perturbation));
  const program: Program = (kernels, given) => {
    const weights = new Map(Object.entries(given));
    const results = forwardPasses({ ...architecture, weights }, kernels, given, resolved, () => unwatched);
    return Object.fromEntries(results.map((result, pass) => [String(pass), result]));
  };
  const shapes: Tensors = {
    ...tensors,
    ...Object.fromEntries(parameters.map(({ name, shape }) => [name, { dtype: 'f32', shape, data: nothing }])),
  };
  const { nodes } = traceProgram(program, shapes, referenceKernels);
  return nodes.reduce(
    (sum, { operation, inputs }) =>
      sum +
      productsOf(
        operation,
        inputs.map(({ shape }) => shape),
      ),
    0,
  );
}

/** What a plain pass and a perturbed one cost together, in multiply-adds. */
export interface GuidedCost {
  /** What both compute alike, once. */
  readonly shared: number;
  /** The rest of the plain pass. */
  readonly plain: number;
  /** The rest of the perturbed one. */
  readonly perturbed: number;
}

/**
 * The cost of a guided step: the plain pass, and one that is perturbed.
 * @param input its sample's shape and its condition count, not its numbers
 * @param perturbation by the paths of the layers
 * @throws InputError when the input does not fit the operations of the model
 */
export function guidedCost<Input, State>(
  architecture: Architecture<unknown, Input, State>,
  input: Input,
  perturbation: Perturbation,
): GuidedCost {
  const cost = (...passes: Perturbation[]): number => passCost(architecture, input, passes);
  const [alone, other] = [cost(unperturbed), cost(perturbation)];
  const both = cost(unperturbed, perturbation);
  return { shared: alone + other - both, plain: both - other, perturbed: both - alone };
}

const nothing = new Float32Array(0);
const unwatched = { tap: <T>(_path: string, value: T): T => value, watches: () => false };
