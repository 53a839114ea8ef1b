/**
 * When do our numbers agree with PyTorch's? The one rule of all golden tests.
 *
 * A golden holds, for each tensor that it shows (a *tap*), what PyTorch computes in float32, and the truth: the same in
 * float64. In float32 nobody is exact, so the question is whether we are as near to the truth as PyTorch is. The
 * distance is the root mean square of the errors of a tap:
 *
 *     rms(ours − truth) ≤ 2 · rms(PyTorch's − truth) + 4 ulp,   1 ulp = 2⁻²³ · rms(truth)
 *
 * Why the mean square and not the largest error: two honest computations round differently, and the ratio of their
 * largest errors is a matter of luck. The floor is for taps where PyTorch is exact by luck, such as those of a few
 * values. That no single wrong value hides in a large tap is seen to by the same rule for the largest error, with the
 * square of the factor:
 *
 *     max|ours − truth| ≤ 4 · max|PyTorch's − truth| + 4 ulp,   1 ulp = 2⁻²³ · max|truth|
 *
 * In float64 we must meet the truth itself. It is no more exact than we are, and what the operation makes of a rounding
 * is seen in float32, whose roundings are 2²⁹ times as large:
 *
 *     max|ours − truth| ≤ 10⁻¹² · max|truth| + 2 · 2⁻²⁹ · max|PyTorch's − truth|
 *
 * Gradients are measured otherwise in one thing. A gradient may be zero in theory, or nearly so, where what is added up
 * to it is not: that of a key's bias, which the softmax undoes, is 1e-18 in PyTorch's float64 and 1e-9 in its float32.
 * An error means nothing beside such a truth. So its ulp is that of what was *summed*: each number of a gradient is a
 * sum over all results of its operation, or layer, and in place of the truth stand the sums of the absolute values of
 * those terms (`scripts/goldens/gradients.py` says how they are found). And what comes into a layer from the layers
 * behind it has errors of its own, in PyTorch as here; they go through all of a run, and in a tensor of few numbers
 * PyTorch may be exact by luck. So its error for a tensor counts as the largest one of all tensors of the run, each as
 * a share of what was summed there, if that is more.
 *
 * Is that too kind? The share is measured, not picked, and small: over the runs of whole models here PyTorch's largest
 * one is 1e-6 to 1e-5 of what was summed (a test says so), where a term that is missing or counted twice shows as a
 * tenth or more, and a wrong 1/N as all of it. On models that are not here `scripts/goldens/random_gradients.py` asks
 * for less than 2e-5 of a model's largest gradient in float32 and 1e-10 in float64, and finds 4e-7 and 2e-15.
 *
 * NaN agrees with nothing.
 */
import { readTensor, type SafetensorsFile } from '../src/formats/safetensors.ts';
import { sameShape, shapeText, type FloatArray, type Tensor } from '../src/tensor/tensor.ts';

export interface Golden {
  /** PyTorch's own float32. */
  readonly single: Tensor;
  readonly truth: Tensor;
}

/** The golden called `name`. */
export function goldenOf(file: SafetensorsFile, name: string): Golden {
  return { single: readTensor(file, `${name}/f32`), truth: readTensor(file, `${name}/f64`) };
}

/** The names of all goldens of a file that begin with `prefix`, without it. */
export function goldenNames(file: SafetensorsFile, prefix = ''): readonly string[] {
  const names = [...file.entries.keys()].filter((name) => name.startsWith(prefix) && name.endsWith('/f64'));
  return names.map((name) => name.slice(prefix.length, -'/f64'.length));
}

/** What is wrong with our tensor, of f32 or f64; undefined when it agrees with the golden. */
export function disagreement(ours: Tensor | undefined, { single, truth }: Golden): string | undefined {
  if (!ours) return 'is missing';
  if (!sameShape(ours.shape, truth.shape))
    return `has the shape ${shapeText(ours.shape)} instead of ${shapeText(truth.shape)}`;
  const [error, theirs, size] = [
    distance(ours.data, truth.data),
    distance(single.data, truth.data),
    distance(truth.data),
  ];
  const limits =
    ours.dtype === 'f32'
      ? { rms: 2 * theirs.rms + 4 * 2 ** -23 * size.rms, max: 4 * theirs.max + 4 * 2 ** -23 * size.max }
      : { rms: Infinity, max: 1e-12 * size.max + 2 * 2 ** -29 * theirs.max };
  const exceeded = (['rms', 'max'] as const).filter((norm) => !(error[norm] <= limits[norm]));
  if (exceeded.length === 0) return undefined;
  return exceeded
    .map((norm) => `is off by ${error[norm]} (${norm}), PyTorch's f32 by ${theirs[norm]}, of ${size[norm]}`)
    .join('; ');
}

/** Root mean square and maximum of |a − b|; of |a| without b. NaN when there is a NaN. */
function distance(a: FloatArray, b?: FloatArray): { readonly rms: number; readonly max: number } {
  let squares = 0;
  let max = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(b ? a[i] - b[i] : a[i]);
    squares += difference * difference;
    max = Math.max(max, difference);
  }
  return { rms: Math.sqrt(squares / a.length), max };
}

/** Root mean square and maximum of some numbers. */
interface Size {
  readonly rms: number;
  readonly max: number;
}

/** A gradient, from scripts/goldens/gradients.py. */
export interface GradientGolden {
  /** float64, or `samples` of it, evenly spaced from the first on. */
  readonly truth: FloatArray;
  readonly shape: readonly number[];
  readonly samples?: number;
  /** How far PyTorch's float32 is from the truth. */
  readonly error: Size;
  /** The absolute values of what is added up. */
  readonly summed: Size;
  /** Of all of the truth: the root of the sum of its squares. */
  readonly norm: number;
  /** PyTorch's largest error for a tensor of the same run, as a share of what was summed there. */
  readonly largest: Size;
}

/**
 * All gradients of a file.
 * @param runOf which run a tensor comes from: those of one run were derived together. All, unless given
 */
export function gradientGoldens(
  file: SafetensorsFile,
  runOf: (name: string) => string = () => '',
): ReadonlyMap<string, GradientGolden> {
  type Said = Omit<GradientGolden, 'truth' | 'largest'>;
  const said = Object.entries(JSON.parse(file.metadata.gradients) as Readonly<Record<string, Said>>);
  const largestOf = (run: string, norm: 'rms' | 'max'): number =>
    Math.max(
      ...said.map(([name, { error, summed }]) =>
        runOf(name) === run && summed[norm] > 0 ? error[norm] / summed[norm] : 0,
      ),
    );
  return new Map(
    said.map(([name, golden]) => {
      const largest = { rms: largestOf(runOf(name), 'rms'), max: largestOf(runOf(name), 'max') };
      return [name, { ...golden, largest, truth: readTensor(file, name).data }];
    }),
  );
}

/** What is wrong with our gradient, of f32 or f64; undefined when it agrees with the golden. */
export function gradientDisagreement(ours: Tensor | undefined, golden: GradientGolden): string | undefined {
  const { truth, shape, samples, error: theirs, summed, largest } = golden;
  if (!ours) return 'is missing';
  if (!sameShape(ours.shape, shape)) return `has the shape ${shapeText(ours.shape)} instead of ${shapeText(shape)}`;
  const { data } = ours;
  const kept = samples === undefined ? data : truth.map((_, i) => data[Math.floor((i * data.length) / samples)]);
  const error = distance(kept, truth);
  const ofTheirs = (norm: 'rms' | 'max'): number => Math.max(theirs[norm], largest[norm] * summed[norm]);
  const limits =
    ours.dtype === 'f32'
      ? {
          rms: 2 * ofTheirs('rms') + 4 * 2 ** -23 * summed.rms,
          max: 4 * ofTheirs('max') + 4 * 2 ** -23 * summed.max,
          norm: (2 * ofTheirs('rms') + 4 * 2 ** -23 * summed.rms) * Math.sqrt(data.length),
        }
      : {
          rms: Infinity,
          max: 1e-12 * summed.max + 2 * 2 ** -29 * ofTheirs('max'),
          norm: (1e-12 * summed.max + 2 * 2 ** -29 * ofTheirs('max')) * Math.sqrt(data.length),
        };
  const errors = { ...error, norm: Math.abs(distance(data).rms * Math.sqrt(data.length) - golden.norm) };
  const exceeded = (['rms', 'max', 'norm'] as const).filter((norm) => !(errors[norm] <= limits[norm]));
  if (exceeded.length === 0) return undefined;
  return exceeded
    .map((norm) => `is off by ${errors[norm]} (${norm}), where ${limits[norm]} is allowed, of ${summed.rms} summed`)
    .join('; ');
}
