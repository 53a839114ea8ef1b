/**
 * Kernels that remember. A port with a mistake computes what the reference does until the first place where the mistake
 * shows, and some branches beyond it; of hundreds of such ports most of the work is the same. What one run computes is
 * remembered by the tensors that it was computed from, and is not computed again: the numbers are the same, for no
 * kernel changes what it is given or has any state.
 */
import type { Kernels } from '../kernels/kernels.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Kernels with a memory of one run. */
export interface Remembering {
  readonly kernels: Kernels;
  /** Runs something, and remembers all that the kernels compute in it. What is computed at other times is not kept. */
  learn(run: () => void): void;
}

/** The same kernels, with a memory. */
export function remembering(kernels: Kernels): Remembering {
  const results = new Map<string, Tensor>();
  const tensors = recognised();
  let learns = false;
  const remembered = ([name, kernel]: [string, AnyKernel]): [string, AnyKernel] => [
    name,
    (...given) => {
      const key = keyOf([name, ...given], (tensor) => (learns ? tensors.learn(tensor) : tensors.find(tensor)));
      const known = key === undefined ? undefined : results.get(key);
      if (known) return known;
      const result = kernel(...given);
      if (learns && key !== undefined) {
        tensors.learn(result);
        results.set(key, result);
      }
      return result;
    },
  ];
  return {
    kernels: Object.fromEntries(Object.entries(kernels).map(remembered)) as unknown as Kernels,
    learn(run) {
      learns = true;
      try {
        run();
      } finally {
        learns = false;
      }
    },
  };
}

type AnyKernel = (...given: readonly unknown[]) => Tensor;

/** What a kernel was given, as a text; undefined where it was given a tensor that has no number. */
function keyOf(given: readonly unknown[], numberOf: (tensor: Tensor) => number | undefined): string | undefined {
  const parts: string[] = [];
  for (const one of given) {
    const part = isTensor(one) ? numberOf(one)?.toString() : plainKey(one, numberOf);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  return parts.join(' ');
}

/** Of numbers and names, of lists and of objects. */
function plainKey(given: unknown, numberOf: (tensor: Tensor) => number | undefined): string | undefined {
  if (typeof given !== 'object' || given === null) return String(given);
  const inner = keyOf(Array.isArray(given) ? given : Object.values(given), numberOf);
  return inner === undefined ? undefined : `(${inner})`;
}

function isTensor(given: unknown): given is Tensor {
  return typeof given === 'object' && given !== null && 'data' in given && 'shape' in given;
}

/**
 * Tensors and their numbers. One that was made anew is recognised by what it holds: each run makes its embeddings of
 * timesteps and labels for itself.
 */
function recognised(): Record<'learn' | 'find', (tensor: Tensor) => number | undefined> {
  const numbers = new WeakMap<Tensor, number>();
  const alike = new Map<string, Tensor[]>();
  let count = 0;
  const find = (tensor: Tensor): number | undefined => {
    const known = numbers.get(tensor);
    if (known !== undefined) return known < 0 ? undefined : known;
    const same = alike.get(sketchOf(tensor))?.find((other) => isSame(tensor, other));
    const number = same && numbers.get(same);
    numbers.set(tensor, number ?? -1);
    return number;
  };
  const learn = (tensor: Tensor): number => {
    const known = find(tensor);
    if (known !== undefined) return known;
    const sketch = sketchOf(tensor);
    alike.set(sketch, [...(alike.get(sketch) ?? []), tensor]);
    numbers.set(tensor, count);
    return count++;
  };
  return { find, learn };
}

/** What tensors with the same numbers share. */
function sketchOf({ dtype, shape, data }: Tensor): string {
  return `${dtype} ${shape.join()} ${String(data[0])} ${String(data[data.length - 1])}`;
}

function isSame(a: Tensor, b: Tensor): boolean {
  for (let i = 0; i < a.data.length; i++) if (!Object.is(a.data[i], b.data[i])) return false;
  return true;
}
