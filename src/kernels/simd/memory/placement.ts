/**
 * Where the values of a graph lie: memory for what is computed, addresses of what is constant, and what becomes part of
 * a concatenation.
 */
import type { Tensor } from '../../../tensor/tensor.ts';
import { constantOf, type Graph, type Value } from '../../graph.ts';
import type { Operation } from '../../operations/index.ts';
import type { Emitter } from '../emitter.ts';
import { batchOf, sampleBytes, tensorBytes, type Layout, type Place, type Stored } from './place.ts';
import { unpacked, type PackedWeight, type Packing, type WeightStore } from './weights.ts';

/** Gives the values of a graph their places. */
export interface Placement {
  readonly weights: readonly PackedWeight[];
  /** Memory for a whole tensor of this shape. */
  newTensor(shape: readonly number[]): Place;
  /** Where a value will lie: part of what it will be joined to, or memory of its own. */
  placeFor(value: Value): Place;
  /** A weight, arranged. */
  packed(tensor: Tensor, packing: Packing): Place;
  /** Where a value lies. Throws a TypeError when it has not been computed. */
  storedOf(value: Value): Stored;
  isStored(value: Value): boolean;
  /** Says where a value lies from now on. */
  finish(value: Value, layout: Layout, place: Place): void;
}

/** @param newPlace gives memory for the step that is being made */
export function placement(graph: Graph, store: WeightStore, newPlace: Emitter['newPlace']): Placement {
  const weights: PackedWeight[] = [];
  const stored = new Map<Value, Stored>();
  const places = new Map<Value, Place>();
  const joined = joins(graph);

  const newTensor = (shape: readonly number[]): Place => newPlace(tensorBytes(shape), sampleBytes(shape));
  const placeFor = (value: Value): Place => {
    const known = places.get(value);
    if (known) return known;
    const join = joined.get(value);
    const place = join ? within(placeFor(join.whole), join) : newTensor(value.shape);
    places.set(value, place);
    return place;
  };
  const packed = (tensor: Tensor, packing: Packing): Place => {
    const weight = store.acquire(tensor, packing);
    weights.push(weight);
    return { buffer: undefined, offset: weight.address, batchStride: 0 };
  };
  const storedOf = (value: Value): Stored => {
    const found = stored.get(value) ?? storedConstant(value);
    if (!found) throw new TypeError('a value is read before it is computed');
    stored.set(value, found);
    return found;
  };
  /** A constant, or the part of one that a value is. */
  const storedConstant = (value: Value): Stored | undefined => {
    const constant = constantOf(value);
    if (!constant) return undefined;
    const { tensor, slice } = constant;
    const whole = packed(tensor, unpacked(tensor));
    const batchStride = sampleBytes(tensor.shape);
    const bytes = slice?.kind === 'sliceBatch' ? batchStride : tensorBytes(tensor.shape.slice(2));
    return { layout: 'dense', place: { ...whole, offset: whole.offset + (slice?.start ?? 0) * bytes, batchStride } };
  };
  return {
    weights,
    newTensor,
    placeFor,
    packed,
    storedOf,
    isStored: (value) => stored.has(value),
    finish(value, layout, place) {
      stored.set(value, { layout, place });
    },
  };
}

/** A part of a concatenation: where its first element lies in the whole. */
interface Join {
  readonly whole: Value;
  readonly samples: number;
  readonly bytes: number;
}

/**
 * The values that can be written into the concatenation that they become part of. Tokens are not: they lie as planes.
 */
function joins(graph: Graph): ReadonlyMap<Value, Join> {
  const views = new Set<Operation['kind']>(['sliceBatch', 'sliceChannels', 'toTokens', 'fromTokens']);
  const joined = new Map<Value, Join>();
  for (const { operation, inputs, output } of graph.nodes) {
    if (operation.kind !== 'concatBatch' && operation.kind !== 'concatChannels') continue;
    let samples = 0;
    let bytes = 0;
    for (const part of inputs) {
      const { source } = part;
      if (
        source.kind === 'node' &&
        !views.has(source.node.operation.kind) &&
        part.shape.length !== 3 &&
        !joined.has(part)
      ) {
        joined.set(part, { whole: output, samples, bytes });
      }
      if (operation.kind === 'concatBatch') samples += batchOf(part.shape);
      else bytes += sampleBytes(part.shape);
    }
  }
  return joined;
}

function within(whole: Place, { samples, bytes }: Join): Place {
  return { ...whole, offset: whole.offset + samples * whole.batchStride + bytes };
}
