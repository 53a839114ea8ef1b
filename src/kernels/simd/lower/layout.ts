/** Values in the layout that a kernel wants: as they were made, or as a copy that all who want it share. */
import type { Value } from '../../graph.ts';
import { keyOf } from '../../key.ts';
import { batchOf, isContiguous, sampleBytes, strideOf } from '../memory/place.ts';
import type { Place, Layout } from '../memory/place.ts';
import { mapKernel } from '../tiles/elementwise.ts';
import { transposeKernel } from '../tiles/rearrange.ts';
import type { Lowering } from './lowering.ts';

/** The value in the given layout; transposed if it lies otherwise. */
export function inLayout(lowering: Lowering, value: Value, layout: Layout): Place {
  const found = lowering.storedOf(value);
  if (found.layout === layout) return found.place;
  return shared(lowering, value, layout, (place) => {
    const [batch, tokens, channels] = value.shape;
    const [rows, columns] = layout === 'planar' ? [tokens, channels] : [channels, tokens];
    const spec = {
      batch,
      rows,
      columns,
      inBatchStride: strideOf(found.place, batch),
      outBatchStride: strideOf(place, batch),
    };
    lowering.emit('transpose', [found.place, place], (lib) => transposeKernel(lib, spec));
  });
}

/** The value as its shape says. */
export function dense(lowering: Lowering, value: Value): Place {
  return inLayout(lowering, value, 'dense');
}

/** A picture, or tokens, as planes without gaps. */
export function asPlanes(lowering: Lowering, value: Value): Place {
  return inLayout(lowering, value, value.shape.length === 3 ? 'planar' : 'dense');
}

/** The value, dense and with its samples one after another. */
export function contiguous(lowering: Lowering, value: Value): Place {
  const place = dense(lowering, value);
  if (isContiguous(place, value.shape)) return place;
  return shared(lowering, value, 'contiguous', (made) => copy(lowering, value.shape, place, made));
}

/** Adds a step that copies a tensor, sample by sample. */
export function copy(lowering: Lowering, shape: readonly number[], from: Place, to: Place): void {
  const batch = batchOf(shape);
  lowering.emit('copy', [from, to], (lib) =>
    mapKernel(lib, {
      operation: { kind: 'copy' },
      batch,
      planes: 1,
      size: sampleBytes(shape) / 4,
      aStride: strideOf(from, batch),
      outStride: strideOf(to, batch),
    }),
  );
}

/** A copy of the value, made by `make` for whoever wants it first. */
function shared(lowering: Lowering, value: Value, arrangement: string, make: (place: Place) => void): Place {
  const key = keyOf([value.id, arrangement]);
  const known = lowering.converted.get(key);
  if (known) return known;
  const place = lowering.newTensor(value.shape);
  make(place);
  lowering.converted.set(key, place);
  return place;
}
