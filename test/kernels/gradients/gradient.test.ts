/** The gradient of a program: what it gives, what it leaves out, what it refuses. */
import { describe, expect, it } from 'vitest';
import { gradient } from '../../../src/kernels/gradients/gradient.ts';
import { sumOverAll } from '../../../src/kernels/gradients/sums.ts';
import type { Program } from '../../../src/kernels/kernels.ts';
import { referenceKernels } from '../../../src/kernels/plain/index.ts';
import { traceProgram } from '../../../src/kernels/trace.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { numbers, reference } from './support.ts';

const weight = numbers([3, 4], 1, 'f32');
/** loss = Σ (x · Wᵀ)², and a result beside it. */
const program: Program = (kernels, { x, y }) => {
  const out = kernels.linear(x, weight, undefined);
  return { loss: sumOverAll(kernels, kernels.multiply(out, out)), out, other: kernels.divide(y, 2) };
};
const inputs = { x: numbers([2, 4], 2, 'f32'), y: numbers([2, 3], 3, 'f32') };

describe('the gradient of a program', () => {
  it('comes with the results of the program, under the names of its inputs', () => {
    const results = reference.run(gradient(program, 'loss', ['x', 'y']), inputs);
    expect(Object.keys(results)).toEqual(['loss', 'out', 'other', 'grad.x', 'grad.y']);
    const alone = reference.run(program, inputs);
    for (const [name, value] of Object.entries(alone)) expect(results[name]).toEqual(value);
    expect(results['grad.x'].shape).toEqual([2, 4]);
    // The loss does not depend on it.
    expect([...results['grad.y'].data]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('of an input that is the loss is 1', () => {
    const results = reference.run(
      gradient((_, { x }) => ({ x }), 'x', ['x']),
      { x: numbers([1], 1) },
    );
    expect([...results['grad.x'].data]).toEqual([1]);
  });

  it('derives nothing for weights, nor what only they depend on', () => {
    const kindsFor = (...wanted: string[]): readonly string[] =>
      traceProgram(gradient(program, 'loss', wanted), inputs, referenceKernels).nodes.map(
        ({ operation }) => operation.kind,
      );
    expect(kindsFor('x')).not.toContain('conv2dWeightGradient');
    expect(kindsFor('y')).toEqual(
      traceProgram(program, inputs, referenceKernels).nodes.map(({ operation }) => operation.kind),
    );
  });

  it('computes the way there once', () => {
    const { nodes } = traceProgram(gradient(program, 'loss', ['x']), inputs, referenceKernels);
    const forward = nodes.filter(({ inputs: [first] }) => first.source.kind === 'input');
    expect(forward.filter(({ operation }) => operation.kind === 'linear')).toHaveLength(1);
  });

  it('with checkpoints computes again what lies between them, and has the same bits', () => {
    const layers: Program = (kernels, { x, w }) => {
      const first = kernels.activation(kernels.linear(x, w, undefined), 'silu');
      const second = kernels.activation(kernels.linear(first, w, undefined), 'silu');
      return { loss: sumOverAll(kernels, kernels.multiply(second, second)), first, second };
    };
    const given = { x: numbers([2, 4], 2, 'f32'), w: numbers([4, 4], 3, 'f32') };
    const [kept, again] = [[], ['first', 'second']].map((checkpoints) =>
      gradient(layers, 'loss', ['x', 'w'], { checkpoints }),
    );
    const results = reference.run(again, given);
    expect(Object.keys(results)).toEqual(['loss', 'grad.x', 'grad.w']);
    for (const [name, value] of Object.entries(results)) expect(value).toEqual(reference.run(kept, given)[name]);
    const activations = (program: Program): number =>
      traceProgram(program, given, referenceKernels).nodes.filter(({ operation: { kind } }) => kind === 'linear')
        .length;
    // That of the second layer; the first one's is found again, for it begins with inputs only.
    expect(activations(again) - activations(kept)).toBe(1);
    expect(() => reference.run(gradient(layers, 'loss', ['x'], { checkpoints: ['third'] }), given)).toThrow(
      new InputError('gradient: the program has no result "third"; it has loss, first, second'),
    );
    expect(() => gradient(layers, 'loss', ['x'], { checkpoints: 'first' as never })).toThrow(/checkpoints is "first"/);
    expect(() => gradient(layers, 'loss', ['x'], { keep: [] } as never)).toThrow(/gradient has no option keep/);
  });

  it('is refused for what is no loss, and for inputs that there are none', () => {
    const run = (of: string, ...wanted: string[]): (() => unknown) => {
      return () => reference.run(gradient(program, of, wanted), inputs);
    };
    expect(run('lost', 'x')).toThrow(
      new InputError('gradient: the program has no result "lost"; it has loss, out, other'),
    );
    expect(run('out', 'x')).toThrow(new InputError('gradient: "out" has the shape [2, 3]; a loss is one number, [1]'));
    const any = (value: unknown): never => value as never;
    expect(() => gradient(any({}), 'loss', ['x'])).toThrow(/the program is \{\}; it must be a function/);
    expect(() => gradient(program, any(1), ['x'])).toThrow(/the loss is 1; it must be the name/);
    expect(() => gradient(program, 'loss', any('x'))).toThrow(/the inputs is "x"; it must be a list of names/);
    expect(run('loss', 'z')).toThrow(new InputError('gradient: the program has no input "z"; it has x, y'));
  });
});
