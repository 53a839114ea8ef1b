/**
 * Finding the tensors of a port by name and by layout: other backends store pictures channels-last, or as rows of
 * tokens.
 */
import { sameShape, shapeText, sizeOf, tensor, type Tensor } from '../tensor/tensor.ts';
import { readTensor, type SafetensorsFile } from '../formats/safetensors.ts';
import { InputError } from '../tensor/errors.ts';
import type { FormatName } from './honest/format.ts';
import type { Trace } from './trace.ts';

export interface Alignment {
  /** Under our names, in our layout. */
  readonly found: Trace;
  /** How they were read, where not as they are: by our name. */
  readonly notes: ReadonlyMap<string, string>;
  /** What cannot be compared, and why: by our name. */
  readonly problems: ReadonlyMap<string, string>;
  /** Taps of the perturbed pass before its first perturbed layer, by the name of the plain tap that they must equal. */
  readonly shared: Trace;
  /** Their names that belong to no tap. */
  readonly unknown: readonly string[];
}

/** Which stored dtypes a precision may be written in: its own, or wider. */
const wideEnough: Readonly<Record<FormatName, readonly Tensor['dtype'][]>> = {
  f32: ['f32', 'f64'],
  tf32: ['f32', 'f64'],
  bf16: ['bf16', 'f32', 'f64'],
  f16: ['f16', 'f32', 'f64'],
  mixed: ['f16', 'f32', 'f64'],
};

/**
 * Reads what of their file belongs to the taps of `truth`.
 * @throws InputError when two of their tensors are the same tap
 */
export function align(file: SafetensorsFile, truth: Trace, format: FormatName): Alignment {
  const [found, shared, notes, problems] = [
    new Map<string, Tensor>(),
    new Map<string, Tensor>(),
    new Map<string, string>(),
    new Map<string, string>(),
  ];
  const unknown: string[] = [];
  const taken = new Map<string, string>();
  const doubtful = new Map<string, Tensor>();
  for (const name of file.entries.keys()) {
    const tap = [name, canonical(name)].find((candidate) => truth.has(candidate));
    if (tap === undefined) {
      const plain = canonical(name).replace('perturbed.', '');
      const value =
        plain !== canonical(name) && truth.has(plain)
          ? inLayoutOf(readTensor(file, name), truth.get(plain)!)?.value
          : undefined;
      if (value) shared.set(plain, value);
      else unknown.push(name);
      continue;
    }
    if (taken.has(tap))
      throw new InputError(`${file.source}: "${taken.get(tap)}" and "${name}" are both the tap ${tap}`);
    taken.set(tap, name);
    const theirs = readTensor(file, name);
    if (!wideEnough[format].includes(theirs.dtype)) {
      problems.set(
        tap,
        `is stored as ${theirs.dtype}, which is narrower than ${format}; say --dtype ${theirs.dtype} if you computed in it`,
      );
      continue;
    }
    const read = inLayoutOf(theirs, truth.get(tap)!);
    if (!read) {
      problems.set(
        tap,
        `has shape ${shapeText(theirs.shape)}, expected ${shapeText(truth.get(tap)!.shape)} (or that as NHWC, as tokens, or flattened)`,
      );
      continue;
    }
    found.set(tap, read.value);
    if (!read.note) doubtful.set(tap, theirs);
    const said = [...(name === tap ? [] : [`"${name}"`]), ...(read.note ? [read.note] : [])];
    if (said.length > 0) notes.set(tap, `read from ${said.join(', ')}`);
  }
  // Where two layouts have one shape, as with as many channels as rows and columns, the rest of the file says which it
  // is.
  if ([...notes.values()].some((said) => said.endsWith(channelsLast))) {
    for (const [tap, theirs] of doubtful) {
      const read = asChannelsLast(theirs, truth.get(tap)!);
      if (!read) continue;
      found.set(tap, read);
      notes.set(
        tap,
        `read from ${[...(taken.get(tap) === tap ? [] : [`"${taken.get(tap)}"`]), channelsLast].join(', ')}`,
      );
    }
  }
  return { found, shared, notes, problems, unknown };
}

/** Other spellings: the names that `pag forward` writes, other separators, and the object that holds the model. */
function canonical(name: string): string {
  const dotted = name
    .replaceAll('/', '.')
    .replace(/^(?:model|unet|module)\./, '')
    .replace(/^tap\./, '')
    .replace(/^perturbed\.tap\./, 'perturbed.');
  if (dotted === 'sample') return 'prediction';
  return dotted === 'perturbed' ? 'perturbed.prediction' : dotted;
}

const channelsLast = 'channels last (NHWC)';

/** A picture that may be channels last by its shape too, read so; undefined where it is not nearer to the truth. */
function asChannelsLast(theirs: Tensor, truth: Tensor): Tensor | undefined {
  const [nhwc] = layoutsOf(truth.shape, theirs.shape).filter(
    ({ note, dimensions }) => note === channelsLast && sameShape(dimensions, theirs.shape),
  );
  if (!nhwc) return undefined;
  const read = permuted(theirs, nhwc.order);
  return distance(read, truth) < distance(theirs, truth) ? read : undefined;
}

interface Layout {
  readonly note: string;
  /** Their dimensions, which `order` brings into ours. */
  readonly dimensions: readonly number[];
  readonly order: readonly number[];
}

/**
 * Theirs in the layout of the truth; where more than one layout fits, in that which is closest. Undefined where none
 * does.
 */
function inLayoutOf(theirs: Tensor, truth: Tensor): { value: Tensor; note?: string } | undefined {
  if (sameShape(theirs.shape, truth.shape)) return { value: theirs };
  if (theirs.data.length !== truth.data.length) return undefined;
  const fitting = layoutsOf(truth.shape, theirs.shape).map(({ note, dimensions, order }) => ({
    note,
    value: { ...permuted(tensor(theirs.dtype, dimensions, theirs.data), order), shape: truth.shape },
  }));
  const [best] = fitting
    .map((one) => ({ ...one, distance: distance(one.value, truth) }))
    .sort((a, b) => a.distance - b.distance);
  return best;
}

/** The layouts in which a tensor of shape `ours` may come as one of shape `theirs`. */
function layoutsOf(ours: readonly number[], theirs: readonly number[]): readonly Layout[] {
  const candidates: Layout[] = [];
  if (ours.length === 4) {
    const [b, c, h, w] = ours;
    candidates.push({ note: channelsLast, dimensions: [b, h, w, c], order: [0, 3, 1, 2] });
    candidates.push({ note: 'tokens [B, H·W, C]', dimensions: [b, h * w, c], order: [0, 2, 1] });
  }
  if (ours.length === 3) {
    const [b, n, d] = ours;
    candidates.push({ note: 'channels first', dimensions: [b, d, n], order: [0, 2, 1] });
    const heads = theirs.length >= 3 ? theirs.at(-3)! : 0;
    if (heads > 1 && theirs.at(-2) === n && d % heads === 0)
      candidates.push({ note: `${heads} heads apart`, dimensions: [b, heads, n, d / heads], order: [0, 2, 1, 3] });
  }
  const reordered = candidates.filter(
    ({ dimensions }) => theirs.length > 1 && (refines(theirs, dimensions) || refines(dimensions, theirs)),
  );
  const asIs = refines(theirs, ours) || refines(ours, theirs);
  return asIs
    ? [{ note: `as ${shapeText(ours)}, row by row`, dimensions: ours, order: ours.map((_, i) => i) }, ...reordered]
    : reordered;
}

/** Whether `coarse` comes from `fine` by joining neighbouring dimensions; extents of 1 do not count. */
function refines(fine: readonly number[], coarse: readonly number[]): boolean {
  const rest = fine.filter((extent) => extent !== 1);
  for (const extent of coarse.filter((wanted) => wanted !== 1)) {
    let joined = 1;
    while (joined < extent && rest.length > 0) joined *= rest.shift()!;
    if (joined !== extent) return false;
  }
  return sizeOf(rest) === 1;
}

/** The dimensions in another order: out[i₀, i₁ …] = x at the place whose dimension order[k] is iₖ. */
export function permuted(x: Tensor, order: readonly number[]): Tensor {
  const strides = x.shape.map((_, axis) => sizeOf(x.shape.slice(axis + 1)));
  const shape = order.map((axis) => x.shape[axis]);
  const index = shape.map(() => 0);
  const data = x.data.slice();
  for (let at = 0; at < data.length; at++) {
    let from = 0;
    order.forEach((axis, k) => (from += index[k] * strides[axis]));
    data[at] = x.data[from];
    for (let k = shape.length - 1; k >= 0 && ++index[k] === shape[k]; k--) index[k] = 0;
  }
  return tensor(x.dtype, shape, data);
}

function distance(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const difference = a.data[i] - b.data[i];
    if (Number.isFinite(difference)) sum += difference * difference;
  }
  return sum;
}
