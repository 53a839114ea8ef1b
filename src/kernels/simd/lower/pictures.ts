/** Pictures with a border of zeros, or with their planes apart: read by products, written by whoever can. */
import type { Value } from '../../graph.ts';
import type { Padding } from '../../kernels.ts';
import { keyOf } from '../../key.ts';
import { batchOf, strideOf, type Place } from '../memory/place.ts';
import { borderedPlanes, densePlanes, hasBorder, planesOf, type PlacedPlanes } from '../memory/planes.ts';
import type { InputLayout } from '../tiles/area.ts';
import { borderKernel } from '../tiles/rearrange.ts';
import { isCrowded, NO_PADDING, pictureOf, wantedBorder } from './borders.ts';
import { asPlanes, dense } from './layout.ts';
import type { Lowering } from './lowering.ts';

function borderKey(value: Value, { top, bottom, left, right }: Padding): string {
  return keyOf([value.id, top, bottom, left, right]);
}

/** Memory for a value with this border; whoever asks writes it. */
export function newBordered(lowering: Lowering, value: Value, padding: Padding): PlacedPlanes {
  const { batch, channels, height, width } = planesOf(value.shape);
  const layout = borderedPlanes(channels, height, width, padding);
  const made = { place: lowering.newPlace(batch * layout.batchStride, layout.batchStride), layout };
  lowering.bordered.set(borderKey(value, padding), made);
  return made;
}

/** Whether the value, or the picture of which it is a view, lies with its planes apart. */
export function liesApart(lowering: Lowering, value: Value): boolean {
  return lowering.bordered.has(borderKey(pictureOf(value), NO_PADDING));
}

/** The value with this border: as it was written, or copied. */
export function borderedInput(lowering: Lowering, value: Value, padding: Padding): PlacedPlanes {
  const known = lowering.bordered.get(borderKey(value, padding));
  if (known) return known;
  const source = asPlanes(lowering, value);
  const made = newBordered(lowering, value, padding);
  const planes = planesOf(value.shape);
  lowering.emit(hasBorder(padding) ? 'border' : 'apart', [source, made.place], (lib) =>
    borderKernel(lib, { ...planes, inBatchStride: strideOf(source, planes.batch), out: made.layout }),
  );
  return made;
}

/** A picture with this border; as it lies where there is none. */
export function pictureInput(lowering: Lowering, value: Value, padding: Padding): PlacedPlanes {
  if (hasBorder(padding)) return borderedInput(lowering, value, padding);
  const { height, width } = planesOf(value.shape);
  return { place: dense(lowering, value), layout: densePlanes(height, width, 0) };
}

/** What a product reads, and the size of what it makes of that, in pixels. */
export interface ProductInput {
  readonly place: Place;
  readonly layout: InputLayout;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** The input of a pointwise product, as rows that suit the tiles. */
export function pointwiseInput(lowering: Lowering, value: Value): ProductInput {
  const { height, width } = planesOf(value.shape);
  const [outHeight, outWidth] = flatRows(height * width);
  const flat = densePlanes(outHeight, outWidth, 0);
  if (!isCrowded(value)) return { place: asPlanes(lowering, value), layout: flat, outHeight, outWidth };
  const { place, layout } = borderedInput(lowering, pictureOf(value), NO_PADDING);
  return { place, layout: { ...flat, planeStride: layout.planeStride }, outHeight, outWidth };
}

/** Where a kernel that can write borders puts `value`; said to lie there, unless it has a border. */
export function target(lowering: Lowering, value: Value, height: number, width: number): PlacedPlanes {
  const border = value.shape.length === 4 ? wantedBorder(lowering, value) : undefined;
  if (border) return newBordered(lowering, value, border);
  const place = lowering.placeFor(value);
  lowering.finish(value, 'dense', place);
  return { place, layout: densePlanes(height, width, strideOf(place, batchOf(value.shape))) };
}

/** N pixels without rows of their own, as rows of a length that suits the tiles. */
function flatRows(pixels: number): [number, number] {
  for (let length = Math.min(64, pixels); length >= 8; length--) {
    if (length % 4 === 0 && pixels % length === 0) return [pixels / length, length];
  }
  return [1, pixels];
}
