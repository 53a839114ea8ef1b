/**
 * The bands of a case as a file, `bands.f32.safetensors`: computed once, they are read by `pag check` and by checkers
 * in other languages, which have nothing to compute them with.
 *
 * For each tap `scale/<tap>`, I16: the sixteenths k of an octave, the scale being 2^(k/16). `truth/<tap>`, F64, where
 * the truth is not `f64/<tap>` of expected.safetensors: in narrower storage inputs are rounded first, and a scheduler's
 * table may be of float32 there. The metadata has, as JSON, `budgets`: tap → [rms, max, rms of the best and of the
 * worst honest port]; and as texts `dtype`, `schema`, and `case` and `weights`, the SHA-256 of the case.json and of the
 * weights that they belong to.
 */
import { sha256 } from '../tensor/bytes.ts';
import { InputError } from '../tensor/errors.ts';
import { sameShape, tensor, type Tensor } from '../tensor/tensor.ts';
import {
  readNumbers,
  readTensor,
  writeSafetensors,
  type IntegerTensor,
  type SafetensorsFile,
} from '../formats/safetensors.ts';
import { bandsSchema, type Case } from './case.ts';
import { fromSixteenths, sixteenthsOf } from './sixteenths.ts';
import { deviation, type Band } from './tolerance.ts';
import type { FormatName } from './honest/format.ts';

/** What bands belong to. */
export interface Belonging {
  readonly dtype: FormatName;
  /** The SHA-256 of case.json, which has those of all tensors but of weights that are another case's. */
  readonly case: string;
  /** That of weights.safetensors, as `pag export` writes it. */
  readonly weights: string;
}

/** What the bands of a case belong to, of this case.json. */
export async function belongingOf(one: Case, caseJson: Uint8Array, dtype: FormatName): Promise<Belonging> {
  const weights = await sha256(writeSafetensors(Object.fromEntries(one.weights)));
  return { dtype, case: await sha256(caseJson), weights };
}

/** The name of the file with the bands of a precision. */
export function bandsFileName(dtype: FormatName): string {
  return `bands.${dtype}.safetensors`;
}

/** A truth that is nearer to the expected one than this part of its scale is the same. */
const same = 1e-3;

/** The bytes of the file. */
export function writeBands(one: Case, bands: ReadonlyMap<string, Band>, belonging: Belonging): Uint8Array {
  const tensors: Record<string, Tensor | IntegerTensor> = {};
  const budgets: Record<string, readonly number[]> = {};
  for (const [name, { truth, scale, honest, budget }] of bands) {
    const integers = Array.from(scale, (size) => (Number.isFinite(size) ? sixteenthsOf(size) : endless));
    tensors[`scale/${name}`] = { dtype: 'I16', shape: truth.shape, integers };
    budgets[name] = [budget.rms, budget.max, ...honest];
    const expected = one.expected.get(name)?.f64;
    const isSame = expected && sameShape(expected.shape, truth.shape) && deviation(truth, expected, scale).max <= same;
    if (!isSame) tensors[`truth/${name}`] = truth;
  }
  return writeSafetensors(tensors, {
    schema: String(bandsSchema),
    ...belonging,
    budgets: JSON.stringify(budgets),
  });
}

/** More than any number of double precision. */
const endless = 2 ** 15 - 1;

/**
 * The bands that a file holds; undefined where they belong to another case, another precision, or a version of the case
 * before it was changed.
 * @throws InputError when the file is none of bands
 */
export function readBands(
  one: Case,
  file: SafetensorsFile,
  belonging: Belonging,
): ReadonlyMap<string, Band> | undefined {
  const wanted = Object.entries({ schema: String(bandsSchema), ...belonging });
  if (wanted.some(([key, value]) => file.metadata[key] !== value)) return undefined;
  return new Map(budgetsOf(file).map(([name, numbers]) => [name, bandOf(one, file, name, numbers)]));
}

function budgetsOf({ metadata, source }: SafetensorsFile): readonly (readonly [string, readonly unknown[]])[] {
  try {
    const budgets = Object.entries(Object(JSON.parse(metadata['budgets'] ?? '')) as Record<string, unknown>);
    return budgets.map(([name, numbers]) => [name, Array.isArray(numbers) ? numbers : []]);
  } catch {
    throw new InputError(`${source}: its metadata has no "budgets", as JSON; export the case again`);
  }
}

function bandOf(one: Case, file: SafetensorsFile, name: string, numbers: readonly unknown[]): Band {
  // JSON has no infinity; it is null there.
  const [rms = NaN, max = NaN, least = NaN, most = NaN] = numbers.map((value) => Number(value ?? Infinity));
  const { shape, numbers: sixteenths } = readNumbers(file, `scale/${name}`);
  const own = file.entries.has(`truth/${name}`) ? readTensor(file, `truth/${name}`) : one.expected.get(name)?.f64;
  if (!(rms > 0 && max > 0) || !own || !sameShape(own.shape, shape))
    throw new InputError(`${file.source}: the band of ${name} is none; export the case again`);
  const scale = Float64Array.from(sixteenths, fromSixteenths);
  return { truth: tensor('f64', shape, own.data), scale, honest: [least, most], budget: { rms, max } };
}
