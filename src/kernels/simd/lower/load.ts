/** Weights on their way into the memory: read from where they are, widened where they have 16 bits, and arranged. */
import { identityOf, lengthOf, sourceOf } from '../../../tensor/deferred.ts';
import type { Tensor } from '../../../tensor/tensor.ts';
import type { Panel } from '../library.ts';
import type { Place } from '../memory/place.ts';
import type { MissingWeight, Packing } from '../memory/weights.ts';
import { widenKernel } from '../tiles/widen.ts';
import { stepList, type StepList } from './step-list.ts';

/** Adds the steps that bring a tensor's numbers to `to`, or, unless it is given, to memory of their own. */
function loadNumbers(list: StepList, tensor: Tensor, to?: Place): Place {
  const length = lengthOf(tensor);
  const source = sourceOf(tensor);
  const target = to ?? list.newPlace(4 * length, 0);
  const load = (place: Place, bytes: number, write: (target: Uint8Array) => void): void =>
    list.add({ kind: 'write', name: `load ${length}`, products: 0, to: place, bytes, write });
  if (!source) load(target, 4 * length, (bytes) => floatsOf(bytes).set(tensor.data));
  else if (source.format === 'f32') load(target, 4 * length, source.copyTo);
  else {
    const { format } = source;
    const stored = list.newPlace(2 * length, 0);
    load(stored, 2 * length, source.copyTo);
    list.emit(`widen ${length}`, [stored, target], (lib) => widenKernel(lib, { format, length }));
  }
  return target;
}

function floatsOf({ buffer, byteOffset, length }: Uint8Array): Float32Array {
  return new Float32Array(buffer, byteOffset, length / 4);
}

/** Adds the steps that bring a weight to `to`, arranged. */
export function loadWeight(list: StepList, tensor: Tensor, { arrange }: Packing, to: Place): void {
  if (arrange) arrange(list, loadNumbers(list, tensor), to);
  else loadNumbers(list, tensor, to);
}

/** The steps that bring these weights to their places; a tensor is read once, in however many ways it is arranged. */
export function loadingSteps(missing: readonly MissingWeight[], panel: Panel): StepList {
  const list = stepList(panel);
  const arrangements = new Map<object, MissingWeight[]>();
  for (const weight of missing) {
    const key = weight.packing.arrange ? identityOf(weight.tensor) : weight;
    arrangements.set(key, [...(arrangements.get(key) ?? []), weight]);
  }
  for (const [first, ...others] of arrangements.values()) {
    const place = ({ address }: MissingWeight): Place => ({ buffer: undefined, offset: address, batchStride: 0 });
    if (others.length === 0) loadWeight(list, first.tensor, first.packing, place(first));
    else {
      const from = loadNumbers(list, first.tensor);
      for (const weight of [first, ...others]) weight.packing.arrange?.(list, from, place(weight));
    }
  }
  return list;
}
