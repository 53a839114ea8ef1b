/** Saying what a command is about to take, before it begins. */
import { totalmem } from 'node:os';
import { InputError } from '../tensor/errors.ts';
import type { Work } from '../sampling/work.ts';
import { sizeOf } from '../tensor/tensor.ts';
import { warn } from './messages.ts';

/** Work of more multiply-adds than this is said first: about a minute on one thread. */
const much = 1e12;

/**
 * Says on stderr what takes long.
 * @param memory of this machine, in bytes
 * @throws InputError for what this machine cannot hold
 */
export function announceWork({ products, bytes }: Work, memory = totalmem()): void {
  if (bytes > memory) {
    const [wanted, had] = [gigabytes(bytes), gigabytes(memory)];
    throw new InputError(
      `there is not enough memory: this takes at least ${wanted}, but the machine has ${had}; ` +
        'ask for fewer or smaller samples at a time',
    );
  }
  if (products > much) warn([`this takes ${powerOfTen(products)} multiply-adds and at least ${gigabytes(bytes)}`]);
}

/**
 * What a run takes. What does not fit the model is told by the run itself, in better words.
 * @param shape of what it draws
 */
export function plannedWork(plan: () => Work, shape: readonly number[]): Work {
  try {
    return plan();
  } catch (error) {
    if (error instanceof InputError) return { products: 0, bytes: 4 * sizeOf(shape) };
    throw error;
  }
}

function gigabytes(bytes: number): string {
  return bytes < 1e12 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e12)} TB`;
}

/** `3.2 · 10¹²`. */
function powerOfTen(value: number): string {
  const exponent = Math.floor(Math.log10(value));
  const raised = [...String(exponent)].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
  return `${(value / 10 ** exponent).toFixed(1)} · 10${raised}`;
}
