/**
 * Finding the tensors of a port by name and by layout: other backends store pictures channels-last, or as rows of
 * tokens.
 */
import { sameShape, shapeText, sizeOf, tensor, type Tensor } from '../tensor/tensor.ts';
import { readTensor, type SafetensorsFile } from '../formats/safetensors.ts';
import { InputError } from '../tensor/errors.ts';
import { entryOf } from './lookup.ts';
import type { FormatName } from './honest/format.ts';
import type { Trace } from './trace.ts';

/** Their file, read as the taps of a case. */
export interface Alignment {
  /** Under our names, in our layout. */
  readonly found: Trace;
  /** How they were read, where not as they are: by our name. */
  readonly notes: ReadonlyMap<string, string>;
  /** What cannot be compared, and why: by our name. */
  readonly problems: ReadonlyMap<string, string>;
  /** Taps of the perturbed pass before its first perturbed layer: they must equal those that `plainName` names. */
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
 * The taps that their names mean, and how many numbers they have under them. What a perturbed pass shares with the
 * plain one counts as the tap of that.
 */
export function tapsOf(
  { entries }: SafetensorsFile,
  known: Pick<Trace, 'has'>,
): ReadonlyMap<string, ReadonlySet<number>> {
  const taps = new Map<string, Set<number>>();
  for (const [name, { shape }] of entries) {
    const tap = tapOf(name, known) ?? plainName(canonical(name));
    if (known.has(tap)) taps.set(tap, (taps.get(tap) ?? new Set<number>()).add(sizeOf(shape)));
  }
  return taps;
}

/** The tap that a name of theirs means. */
function tapOf(name: string, known: Pick<Trace, 'has'>): string | undefined {
  return [name, canonical(name)].find((candidate) => known.has(candidate));
}

/**
 * Reads what of their file belongs to the taps of `truth`.
 * @throws InputError when two of their tensors are the same tap
 */
export function align(file: SafetensorsFile, truth: Trace, format: FormatName): Alignment {
  const found = new Map<string, Tensor>();
  const shared = new Map<string, Tensor>();
  const notes = new Map<string, string>();
  const problems = new Map<string, string>();
  const unknown: string[] = [];
  /** By tap: their name for it. */
  const taken = new Map<string, string>();
  /** Those whose shape is as expected, which does not say what their axes are. */
  const doubtful = new Map<string, Tensor>();
  for (const name of file.entries.keys()) {
    const tap = tapOf(name, truth);
    if (tap === undefined) {
      const other = sharedTap(file, name, truth);
      if (other) shared.set(canonical(name), other);
      else unknown.push(name);
      continue;
    }
    if (taken.has(tap)) {
      throw new InputError(`${file.source}: "${taken.get(tap)}" and "${name}" are both the tap ${tap}`);
    }
    taken.set(tap, name);
    const theirs = readTensor(file, name);
    const read = readAs(theirs, entryOf(truth, tap), format);
    if ('problem' in read) {
      problems.set(tap, read.problem);
      continue;
    }
    found.set(tap, read.value);
    if (!read.note) doubtful.set(tap, theirs);
    note(notes, tap, name, read.note);
  }
  // Where two layouts have one shape, as with as many channels as rows and columns, the rest of the file says which it
  // is.
  if ([...notes.values()].some((said) => said.endsWith(channelsLast))) {
    for (const [tap, theirs] of doubtful) {
      const read = asChannelsLast(theirs, entryOf(truth, tap));
      if (!read) continue;
      found.set(tap, read);
      note(notes, tap, entryOf(taken, tap), channelsLast);
    }
  }
  return { found, shared, notes, problems, unknown };
}

/** What a perturbed pass says of a tap that it shares with the plain one. */
function sharedTap(file: SafetensorsFile, name: string, truth: Trace): Tensor | undefined {
  const tap = plainName(canonical(name));
  const expected = tap === canonical(name) ? undefined : truth.get(tap);
  return expected && inLayoutOf(readTensor(file, name), expected)?.value;
}

/** What a tap of the perturbed pass is called in the plain one. */
export function plainName(tap: string): string {
  return tap.replace('perturbed.', '');
}

/** Their tensor in the layout of the truth, or why it cannot be compared. */
function readAs(
  theirs: Tensor,
  truth: Tensor,
  format: FormatName,
): { value: Tensor; note?: string } | { problem: string } {
  if (!wideEnough[format].includes(theirs.dtype)) {
    const { dtype } = theirs;
    return {
      problem: `is stored as ${dtype}, which is narrower than ${format}; take formats.${dtype} if you computed in it`,
    };
  }
  const read = inLayoutOf(theirs, truth);
  if (read) return read;
  const [shape, expected] = [theirs.shape, truth.shape].map(shapeText);
  return { problem: `has shape ${shape}, expected ${expected} (or that as NHWC, as tokens, or flattened)` };
}

/** Notes how a tap was read, where it was not simply there. */
function note(notes: Map<string, string>, tap: string, name: string, layout: string | undefined): void {
  const said = [...(name === tap ? [] : [`"${name}"`]), ...(layout ? [layout] : [])];
  if (said.length > 0) notes.set(tap, `read from ${said.join(', ')}`);
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
    const heads = theirs.at(-3) ?? 0;
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
  const parts = fine.filter((extent) => extent !== 1);
  let next = 0;
  for (const extent of coarse.filter((wanted) => wanted !== 1)) {
    let joined = 1;
    while (joined < extent && next < parts.length) joined *= parts[next++];
    if (joined !== extent) return false;
  }
  return next === parts.length;
}

/** The dimensions in another order: out[i₀, i₁ …] = x at the place whose dimension order[k] is iₖ. */
export function permuted(x: Tensor, order: readonly number[]): Tensor {
  const strides = x.shape.map((_, axis) => sizeOf(x.shape.slice(axis + 1)));
  const shape = order.map((axis) => x.shape[axis]);
  const index = shape.map(() => 0);
  const data = x.data.slice();
  for (let at = 0; at < data.length; at++) {
    data[at] = x.data[order.reduce((from, axis, k) => from + index[k] * strides[axis], 0)];
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
