/**
 * What passes of a model cost, counted in the graph that the fast kernels compute: the multiply-adds of convolutions,
 * linear layers and attention, and the numbers that are held at a time. Nothing is computed for it, and no weights are
 * needed.
 */
import type { Graph } from '../kernels/graph.ts';
import { productsOf } from '../kernels/operations/index.ts';
import { referenceKernels } from '../kernels/plain/index.ts';
import type { Program, Tensors } from '../kernels/kernels.ts';
import { traceProgram } from '../kernels/trace.ts';
import { sizeOf, zeros, type Tensor } from '../tensor/tensor.ts';
import { anArchitecture, type Architecture } from './model.ts';
import { arePasses, forwardPasses, onSites, unwatched } from './passes.ts';
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
  checkArguments(architecture, input, passes);
  return productsIn(graphOf(architecture, input, passes));
}

function checkArguments<Input, State>(
  architecture: Architecture<unknown, Input, State>,
  input: Input,
  passes: readonly Perturbation[],
): void {
  anArchitecture('the architecture', architecture);
  architecture.check(input);
  arePasses('passes', passes);
}

/** What passes take. */
export interface PassLoad {
  /** Multiply-adds. */
  readonly products: number;
  /** Weights, and the most inner values that are held at a time, where each is given up after its last use. */
  readonly numbers: number;
}

/**
 * The work of passes, and the least room for it; arguments as of `passCost`, but a sample needs no numbers: nobody
 * could hold those of a picture that is too large.
 * @throws InputError when the shapes do not fit the operations of the model
 */
export function passLoad<Input extends object, State>(
  architecture: Architecture<unknown, Input, State>,
  input: Input,
  passes: readonly Perturbation[],
): PassLoad {
  anArchitecture('the architecture', architecture);
  arePasses('passes', passes);
  const [small, others] = shrunk(input);
  const graph = graphOf(architecture, small, passes, others);
  const weights = parametersOf(architecture.stages).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { products: productsIn(graph), numbers: weights + mostHeld(graph) };
}

/**
 * The input with one number for each sample, which is enough to prepare it, and, of a picture, its shape: only that is
 * looked at.
 */
function shrunk<Input extends object>(input: Input): readonly [Input, Tensors] {
  const { sample } = input as { readonly sample?: Tensor };
  if (!sample) return [input, {}];
  const { shape } = sample;
  const small = zeros('f32', [shape[0] ?? 0, ...shape.slice(1).map(() => 1)]);
  return [{ ...input, sample: small }, { sample: { dtype: 'f32', shape, data: nothing } }];
}

/** The most inner values that are held at a time. */
function mostHeld({ nodes, outputs }: Graph): number {
  const kept = new Set([...outputs.values()].map(({ id }) => id));
  const lastUse = new Map(nodes.flatMap(({ inputs }, place) => inputs.map(({ id }) => [id, place] as const)));
  let [held, most] = [0, 0];
  nodes.forEach(({ inputs, output }, place) => {
    held += sizeOf(output.shape);
    most = Math.max(most, held);
    for (const { id, shape, source } of new Set(inputs))
      if (source.kind === 'node' && lastUse.get(id) === place && !kept.has(id)) held -= sizeOf(shape);
  });
  return most;
}

function productsIn({ nodes }: Graph): number {
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

function graphOf<Input, State>(
  architecture: Architecture<unknown, Input, State>,
  input: Input,
  passes: readonly Perturbation[],
  others: Tensors = {},
): Graph {
  const parameters = parametersOf(architecture.stages);
  // Tables that are looked up when the input is prepared; all other weights have a shape only.
  const tables = parameters.filter(({ module }) => module === 'embedding' || module === 'fourier');
  const known = new Map(tables.map(({ name, shape }) => [name, zeros('f32', shape)]));
  const tensors = architecture.tensors(input, known, 'f32');
  const sites = {
    attentionLayers: sitesOf(architecture.stages),
    crossAttentionLayers: sitesOf(architecture.stages, 'cross'),
  };
  const resolved = passes.map((perturbation) => onSites(sites, perturbation));
  const program: Program = (kernels, given) => {
    const weights = new Map(Object.entries(given));
    const results = forwardPasses({ ...architecture, weights }, kernels, given, resolved, () => unwatched);
    return Object.fromEntries(results.map((result, pass) => [String(pass), result]));
  };
  const shapes: Tensors = {
    ...tensors,
    ...others,
    ...Object.fromEntries(parameters.map(({ name, shape }) => [name, { dtype: 'f32', shape, data: nothing }])),
  };
  return traceProgram(program, shapes, referenceKernels);
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
  return costApart(cost(unperturbed), cost(perturbation), cost(unperturbed, perturbation));
}

/** The same, from what the plain pass costs by itself, the perturbed one by itself, and both together. */
export function costApart(alone: number, other: number, both: number): GuidedCost {
  return { shared: alone + other - both, plain: both - other, perturbed: both - alone };
}

const nothing = new Float32Array(0);
