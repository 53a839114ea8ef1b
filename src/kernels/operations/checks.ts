/** What every operation asks of its inputs. A violation is an InputError that names operation, found and expected. */
import { checkTensor } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { shown } from '../../tensor/shown.ts';
import { sameShape, shapeText, type Tensor } from '../../tensor/tensor.ts';
import type { Shape } from './operation.ts';

/** Fails unless all are tensors, of one dtype. */
export function expectTensors(operation: string, tensors: readonly Tensor[]): void {
  // Messages are made only when they are told: this is asked of every call of a kernel.
  if (!Array.isArray(tensors)) refuse(operation, `it takes a list of tensors, not ${shown(tensors)}`);
  for (const given of tensors) if (!hasShape(given)) refuse(operation, `${shown(given)} is no tensor`);
  const dtypes = new Set(tensors.map(({ dtype }) => dtype));
  if (dtypes.size > 1) refuse(operation, `the inputs have dtypes ${[...dtypes].join(' and ')}; they must agree`);
}

function refuse(operation: string, message: string): never {
  throw new InputError(`${operation}: ${message}`);
}

/** Fails unless there are as many dimensions as `names` names; returns the shape. */
export function dimensions(operation: string, shape: Shape | undefined, names: string): Shape {
  const rank = names.split(',').length;
  if (shape?.length === rank) return shape;
  throw new InputError(`${operation}: expected a shape [${names}], found ${shape ? shapeText(shape) : 'nothing'}`);
}

/** Fails unless the tensor called `what` has the shape `expected`; one that is not given always fits. */
export function expectShape(operation: string, what: string, shape: Shape | undefined, expected: Shape): void {
  if (!shape || sameShape(shape, expected)) return;
  throw new InputError(`${operation}: ${what} has shape ${shapeText(shape)}, expected ${shapeText(expected)}`);
}

/** Fails unless something holds. */
export function expect(operation: string, holds: boolean, message: string): void {
  if (!holds) refuse(operation, message);
}

/** Fails unless `eps`, which is added to a variance, is finite and not negative. */
export function expectEpsilon(operation: string, eps: number): void {
  expect(operation, Number.isFinite(eps) && eps >= 0, `eps is ${shown(eps)}; it must be a finite number from 0 on`);
}

/** Fails unless x is [B,C,…] and `groups` a whole number from 1 on that divides the channels; returns these. */
export function expectGroups(operation: string, x: Shape, groups: number): number {
  expect(operation, x.length >= 2, `expected a shape [B,C,…], found one of ${x.length} dimensions`);
  const [, channels] = x;
  const divides = Number.isInteger(groups) && groups >= 1 && channels % groups === 0;
  expect(operation, divides, `${shown(groups)} groups do not divide ${channels} channels`);
  return channels;
}

/** Fails unless `heads` is a whole number from 1 on that divides the channels. */
export function expectHeads(operation: string, heads: number, channels: number): void {
  const divides = Number.isInteger(heads) && heads >= 1 && channels % heads === 0;
  expect(operation, divides, `${shown(heads)} heads do not divide ${channels} channels`);
}

/** Fails unless each tensor has as many numbers as its shape says. */
export function expectNumbers(operation: string, tensors: readonly Tensor[]): void {
  for (const [i, given] of tensors.entries()) checkTensor(`${operation}: tensor ${i + 1}`, given);
}

/** Whether it is a tensor, be it one of a trace, which has no numbers. */
export function hasShape(value: unknown): value is Pick<Tensor, 'shape'> {
  return Array.isArray((Object(value) as { readonly shape?: unknown }).shape);
}

/** Fails unless `value`, called `what`, is a number at all. */
export function expectNumber(operation: string, what: string, value: number): void {
  expect(operation, typeof value === 'number', `the ${what} is ${shown(value)}; it must be a number`);
}
