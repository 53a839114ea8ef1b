/**
 * Which functions of an implementation a case calls. A mistake in none of them changes none of its numbers, so the case
 * need not be computed with it.
 */
import type { Kernels } from '../kernels/kernels.ts';
import type { Implementation } from './implementation.ts';

/** The names of functions of an implementation; those of its kernels begin with `kernels.`. */
export type FunctionNames = ReadonlySet<string>;

/** An implementation that notes which of its functions are called: the set grows while it is used. */
export function noting(implementation: Implementation): readonly [Implementation, FunctionNames] {
  const called = new Set<string>();
  const { kernels, ...parts } = implementation;
  return [{ ...noted(parts, '', called), kernels: noted<Kernels>(kernels, 'kernels.', called) }, called];
}

/** The functions in which two implementations differ. */
export function differing(one: Implementation, other: Implementation): FunctionNames {
  const { kernels, ...parts } = one;
  const { kernels: otherKernels, ...otherParts } = other;
  const ofKernels = namesOfOthers(kernels, otherKernels).map((name) => `kernels.${name}`);
  return new Set([...namesOfOthers(parts, otherParts), ...ofKernels]);
}

function namesOfOthers(one: object, other: object): readonly string[] {
  if (one === other) return [];
  const [ours, theirs] = [one, other].map((functions) => functions as Readonly<Record<string, unknown>>);
  return Object.keys({ ...ours, ...theirs }).filter((name) => ours?.[name] !== theirs?.[name]);
}

function noted<Functions extends object>(functions: Functions, prefix: string, called: Set<string>): Functions {
  const noting = Object.entries(functions).map(([name, run]: [string, (...args: unknown[]) => unknown]) => {
    const alone = (...args: unknown[]): unknown => {
      called.add(prefix + name);
      return run(...args);
    };
    return [name, alone] as const;
  });
  return Object.fromEntries(noting) as Functions;
}
