/**
 * From a program to its graph: the program is run once with symbolic tensors, which have a shape but no values, and
 * kernels that write down what they are asked for. Tensors with values that the program brings along (weights) become
 * constants of the graph. An operation on constants alone is computed at once.
 */
import { referenceKernels } from '../plain/index.ts';
import { shapeText, sizeOf, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import { keyOf } from './library.ts';
import { convolveApart } from './seam.ts';
import type { Activation, Kernels, Padding, Program, Tensors } from '../kernels.ts';

/**
 * Numbers and options of a node, besides the tensors that it reads. `part`: the channels of the weight that are meant,
 * if not all.
 */
export type Operation =
  | {
      readonly kind: 'conv2d';
      readonly stride: number;
      readonly padding: Padding;
      readonly bias: boolean;
      readonly part?: Range;
    }
  | { readonly kind: 'linear' | 'upsampleConv2d'; readonly bias: boolean }
  | { readonly kind: 'groupNorm'; readonly groups: number; readonly eps: number; readonly part?: Range }
  | { readonly kind: 'layerNorm'; readonly eps: number }
  | {
      readonly kind:
        | 'softmax'
        | 'applyAttentionMap'
        | 'upsampleNearest2x'
        | 'averagePool2x'
        | 'concatChannels'
        | 'concatBatch'
        | 'toTokens'
        | 'add'
        | 'subtract'
        | 'multiply';
    }
  | { readonly kind: 'attentionMap' | 'attention'; readonly heads: number; readonly scale: number }
  | { readonly kind: 'activation'; readonly activation: Activation }
  | { readonly kind: 'sliceChannels' | 'sliceBatch'; readonly start: number; readonly end: number }
  | { readonly kind: 'fromTokens'; readonly height: number; readonly width: number }
  | { readonly kind: 'affine'; readonly factor: number; readonly offset: number }
  | { readonly kind: 'divide'; readonly divisor: number };

/** From the first channel up to, but without, the second. */
export type Range = readonly [number, number];

/** A tensor of the graph. */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
  readonly source:
    | { readonly kind: 'input'; readonly name: string }
    | { readonly kind: 'constant'; readonly tensor: Tensor }
    | { readonly kind: 'node'; readonly node: Node };
}

export interface Node {
  readonly operation: Operation;
  readonly inputs: readonly Value[];
  readonly output: Value;
}

export interface Graph {
  readonly inputs: ReadonlyMap<string, Value>;
  /** In the order of the program, without what no output needs. */
  readonly nodes: readonly Node[];
  readonly outputs: ReadonlyMap<string, Value>;
}

/** Runs one operation on real tensors. Shared by the tracer and the steps that have no kernel of their own. */
export function applyOperation(kernels: Kernels, operation: Operation, inputs: readonly Tensor[]): Tensor {
  const [a, b, c] = inputs as [Tensor, Tensor, Tensor];
  switch (operation.kind) {
    case 'conv2d': {
      const weight = operation.part ? kernels.sliceChannels(b, ...operation.part) : b;
      return kernels.conv2d(a, weight, operation.bias ? c : undefined, operation.stride, operation.padding);
    }
    case 'upsampleConv2d':
      return kernels.upsampleConv2d(a, b, operation.bias ? c : undefined);
    case 'linear':
      return kernels.linear(a, b, operation.bias ? c : undefined);
    case 'groupNorm': {
      const { groups, eps, part } = operation;
      return part
        ? kernels.groupNorm(a, groups, kernels.sliceBatch(b, ...part), kernels.sliceBatch(c, ...part), eps)
        : kernels.groupNorm(a, groups, b, c, eps);
    }
    case 'layerNorm':
      return kernels.layerNorm(a, b, c, operation.eps);
    case 'attentionMap':
      return kernels.attentionMap(a, b, operation.heads, operation.scale);
    case 'attention':
      return kernels.attention(a, b, c, operation.heads, operation.scale);
    case 'activation':
      return kernels.activation(a, operation.activation);
    case 'sliceChannels':
      return kernels.sliceChannels(a, operation.start, operation.end);
    case 'sliceBatch':
      return kernels.sliceBatch(a, operation.start, operation.end);
    case 'fromTokens':
      return kernels.fromTokens(a, operation.height, operation.width);
    case 'affine':
      return kernels.affine(a, operation.factor, operation.offset);
    case 'divide':
      return kernels.divide(a, operation.divisor);
    case 'concatBatch':
      return kernels.concatBatch(inputs);
    case 'softmax':
      return kernels.softmax(a);
    case 'upsampleNearest2x':
      return kernels.upsampleNearest2x(a);
    case 'averagePool2x':
      return kernels.averagePool2x(a);
    case 'toTokens':
      return kernels.toTokens(a);
    case 'applyAttentionMap':
      return kernels.applyAttentionMap(a, b);
    case 'concatChannels':
      return kernels.concatChannels(a, b);
    case 'add':
      return kernels.add(a, b);
    case 'subtract':
      return kernels.subtract(a, b);
    case 'multiply':
      return kernels.multiply(a, b);
  }
}

/** The shape of an operation's result. Throws a RangeError where the shapes cannot meet, as the plain loops do. */
function resultShape(operation: Operation, inputs: readonly (readonly number[])[]): readonly number[] {
  const a = inputs[0]!;
  const b = inputs[1] ?? [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new RangeError(`${operation.kind}: ${what}; the shapes are ${inputs.map(shapeText).join(', ')}`);
  };
  switch (operation.kind) {
    case 'conv2d': {
      const [start, end] = operation.part ?? [0, b[1]!];
      must(a.length === 4 && b.length === 4 && a[1] === end - start, 'a picture [B,C,H,W] meets a weight [O,C,kh,kw]');
      const { top, bottom, left, right } = operation.padding;
      const extent = (size: number, kernel: number): number => Math.floor((size - kernel) / operation.stride) + 1;
      const [height, width] = [extent(a[2]! + top + bottom, b[2]!), extent(a[3]! + left + right, b[3]!)];
      must(height >= 1 && width >= 1, 'the picture is smaller than the kernel');
      return [a[0]!, b[0]!, height, width];
    }
    case 'upsampleConv2d':
      must(
        a.length === 4 && b.length === 4 && a[1] === b[1] && b[2] === 3 && b[3] === 3,
        'a picture [B,C,H,W] meets a weight [O,C,3,3]',
      );
      return [a[0]!, b[0]!, 2 * a[2]!, 2 * a[3]!];
    case 'linear':
      must(a.length >= 1 && b.length === 2 && a.at(-1) === b[1], 'rows [… , C] meet a weight [O,C]');
      return [...a.slice(0, -1), b[0]!];
    case 'groupNorm':
      must(a.length >= 2 && a[1]! % operation.groups === 0, `${operation.groups} groups must divide the channels`);
      return a;
    case 'attentionMap':
      return [a[0]!, operation.heads, a[1]!, b[1]!];
    case 'attention':
      must(
        a.length === 3 && b.length === 3 && a[2]! % operation.heads === 0,
        'tokens [B,N,D] with heads that divide D',
      );
      return a;
    case 'applyAttentionMap':
      return [a[0]!, a[2]!, b[2]!];
    case 'upsampleNearest2x':
      return [a[0]!, a[1]!, 2 * a[2]!, 2 * a[3]!];
    case 'averagePool2x':
      return [a[0]!, a[1]!, Math.floor(a[2]! / 2), Math.floor(a[3]! / 2)];
    case 'concatChannels':
      must(
        a.length >= 2 && a.length === b.length && a.every((extent, i) => i === 1 || extent === b[i]),
        'all but the channels must agree',
      );
      return [a[0]!, a[1]! + b[1]!, ...a.slice(2)];
    case 'concatBatch':
      must(
        inputs.every((shape) => shapeText(shape.slice(1)) === shapeText(a.slice(1))),
        'all but the batch must agree',
      );
      return [inputs.reduce((sum, shape) => sum + shape[0]!, 0), ...a.slice(1)];
    case 'sliceChannels':
      must(
        operation.start >= 0 && operation.start <= operation.end && operation.end <= a[1]!,
        `no channels ${operation.start} to ${operation.end}`,
      );
      return [a[0]!, operation.end - operation.start, ...a.slice(2)];
    case 'sliceBatch':
      must(
        operation.start >= 0 && operation.start <= operation.end && operation.end <= a[0]!,
        `no samples ${operation.start} to ${operation.end}`,
      );
      return [operation.end - operation.start, ...a.slice(1)];
    case 'toTokens':
      return [a[0]!, a[2]! * a[3]!, a[1]!];
    case 'fromTokens':
      must(
        a[1] === operation.height * operation.width,
        `${operation.height} × ${operation.width} must be the number of tokens`,
      );
      return [a[0]!, a[2]!, operation.height, operation.width];
    case 'add':
    case 'multiply':
    case 'subtract': {
      const same = shapeText(a) === shapeText(b);
      const spread = operation.kind !== 'subtract' && b.length === 2 && a.length > 2 && a[0] === b[0] && a[1] === b[1];
      must(same || spread, 'the shapes must be equal, or the second [B,C]');
      return a;
    }
    case 'layerNorm':
    case 'softmax':
    case 'activation':
    case 'affine':
    case 'divide':
      return a;
  }
}

/** The graph as it is being written, in terms of the tensors that stand for its values. */
export interface Writing {
  /** Writes an operation down; the same one a second time is the same tensor. */
  record(operation: Operation, inputs: readonly Tensor[]): Tensor;
  /** What made a tensor; undefined for inputs and constants. */
  originOf(tensor: Tensor): { readonly operation: Operation; readonly inputs: readonly Tensor[] } | undefined;
}

/** The graph of `program` for inputs of these shapes. */
export function trace(program: Program, inputs: Tensors): Graph {
  const values = new WeakMap<Tensor, Value>();
  const constants = new Map<FloatArray, Value>();
  const origins = new WeakMap<Tensor, { readonly operation: Operation; readonly inputs: readonly Tensor[] }>();
  const common = new Map<string, Tensor>();
  const nodes: Node[] = [];
  let count = 0;

  const symbol = (shape: readonly number[], source: (value: Value) => Value['source']): Tensor => {
    const made: { -readonly [K in keyof Value]: Value[K] } = {
      id: count++,
      shape,
      source: { kind: 'input', name: '' },
    };
    made.source = source(made);
    const tensor: Tensor = {
      dtype: 'f32',
      shape,
      get data(): FloatArray {
        throw new TypeError('a program may not look at the values of its tensors, only at their shapes');
      },
    };
    values.set(tensor, made);
    return tensor;
  };
  const valueOf = (tensor: Tensor): Value => {
    const known = values.get(tensor) ?? constants.get(tensor.data);
    if (known && sizeOf(known.shape) === sizeOf(tensor.shape) && shapeText(known.shape) === shapeText(tensor.shape))
      return known;
    const made: Value = { id: count++, shape: tensor.shape, source: { kind: 'constant', tensor } };
    constants.set(tensor.data, made);
    return made;
  };

  const record = (operation: Operation, tensors: readonly Tensor[]): Tensor => {
    if (!tensors.some((tensor) => values.has(tensor))) return applyOperation(referenceKernels, operation, tensors);
    const read = tensors.map(valueOf);
    // What has been computed once is not computed again.
    const key = keyOf([operation, read.map(({ id }) => id)]);
    const known = common.get(key);
    if (known) return known;
    const result = symbol(
      resultShape(
        operation,
        read.map(({ shape }) => shape),
      ),
      (output) => {
        const node: Node = { operation, inputs: read, output };
        nodes.push(node);
        return { kind: 'node', node };
      },
    );
    common.set(key, result);
    origins.set(result, { operation, inputs: tensors });
    return result;
  };

  const kernels = tracingKernels({ record, originOf: (tensor) => origins.get(tensor) });
  const symbols = Object.entries(inputs).map(
    ([name, { shape }]) => [name, symbol(shape, () => ({ kind: 'input', name }))] as const,
  );
  const outputs = new Map(
    Object.entries(program(kernels, Object.fromEntries(symbols))).map(([name, tensor]) => [name, valueOf(tensor)]),
  );
  return {
    inputs: new Map(symbols.map(([name, tensor]) => [name, values.get(tensor)!])),
    nodes: neededNodes(nodes, outputs.values()),
    outputs,
  };
}

function neededNodes(nodes: readonly Node[], outputs: Iterable<Value>): readonly Node[] {
  const needed = new Set(outputs);
  const kept = [...nodes].reverse().filter((node) => {
    if (!needed.has(node.output)) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  return kept.reverse();
}

function tracingKernels(writing: Writing): Kernels {
  const { record } = writing;
  const optional = (tensor: Tensor | undefined): readonly Tensor[] => (tensor ? [tensor] : []);
  return {
    conv2d: (x, weight, bias, stride, padding, seam) => {
      const operation = { kind: 'conv2d', stride, padding, bias: bias !== undefined } as const;
      const inputs = [x, weight, ...optional(bias)];
      return seam === undefined ? record(operation, inputs) : convolveApart(writing, operation, inputs, seam);
    },
    upsampleConv2d: (x, weight, bias) =>
      record({ kind: 'upsampleConv2d', bias: bias !== undefined }, [x, weight, ...optional(bias)]),
    linear: (x, weight, bias) => record({ kind: 'linear', bias: bias !== undefined }, [x, weight, ...optional(bias)]),
    groupNorm: (x, groups, weight, bias, eps) => record({ kind: 'groupNorm', groups, eps }, [x, weight, bias]),
    layerNorm: (x, weight, bias, eps) => record({ kind: 'layerNorm', eps }, [x, weight, bias]),
    softmax: (x) => record({ kind: 'softmax' }, [x]),
    attentionMap: (q, k, heads, scale) => record({ kind: 'attentionMap', heads, scale }, [q, k]),
    applyAttentionMap: (map, v) => record({ kind: 'applyAttentionMap' }, [map, v]),
    attention: (q, k, v, heads, scale) => record({ kind: 'attention', heads, scale }, [q, k, v]),
    activation: (x, activation) => record({ kind: 'activation', activation }, [x]),
    upsampleNearest2x: (x) => record({ kind: 'upsampleNearest2x' }, [x]),
    averagePool2x: (x) => record({ kind: 'averagePool2x' }, [x]),
    concatChannels: (a, b) => record({ kind: 'concatChannels' }, [a, b]),
    sliceChannels: (x, start, end) => record({ kind: 'sliceChannels', start, end }, [x]),
    concatBatch: (parts) => record({ kind: 'concatBatch' }, parts),
    sliceBatch: (x, start, end) => record({ kind: 'sliceBatch', start, end }, [x]),
    toTokens: (x) => record({ kind: 'toTokens' }, [x]),
    fromTokens: (x, height, width) => record({ kind: 'fromTokens', height, width }, [x]),
    add: (a, b) => record({ kind: 'add' }, [a, b]),
    subtract: (a, b) => record({ kind: 'subtract' }, [a, b]),
    multiply: (a, b) => record({ kind: 'multiply' }, [a, b]),
    affine: (x, factor, offset) => record({ kind: 'affine', factor, offset }, [x]),
    divide: (x, divisor) => record({ kind: 'divide', divisor }, [x]),
  };
}
