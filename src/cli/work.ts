/** Saying what a command is about to take, before it begins. */
import { totalmem } from 'node:os';
import { InputError } from '../tensor/errors.ts';
import type { Work } from '../sampling/work.ts';
import { counted } from '../tensor/shown.ts';
import { sizeOf } from '../tensor/tensor.ts';
import { peakMeter } from '../kernels/simd/index.ts';
import type { ChosenBackend } from './backend.ts';
import { warn } from './messages.ts';

/** Work of more multiply-adds than this is said first: about a minute on one thread. */
const much = 1e12;

/** What is known of the machine. */
export interface Machine {
  /** Its memory, in bytes. */
  readonly memory?: number;
  /** Measures how many multiply-adds it does in a second; where it is not given, no time is told. */
  readonly speed?: (() => number) | undefined;
}

/**
 * Says on stderr what takes long.
 * @throws InputError for what this machine cannot hold
 */
export function announceWork({ products, bytes }: Work, { memory = totalmem(), speed }: Machine = {}): void {
  if (bytes > memory) {
    const [wanted, had] = [bytesText(bytes), bytesText(memory)];
    throw new InputError(
      `there is not enough memory: this takes at least ${wanted}, but the machine has ${had}; ` +
        'ask for fewer or smaller samples at a time',
    );
  }
  if (products <= much) return;
  const time = speed ? `, about ${timeText(products / speed())},` : '';
  warn([`this takes ${powerOfTen(products)} multiply-adds${time} and at least ${bytesText(bytes)}`]);
}

/** What of the peak whole models reach. */
const reached = 0.75;

/** How fast the fast kernels are on this machine, as it is at the moment; undefined for all others. */
export function speedOf({ backend, threads }: ChosenBackend): (() => number) | undefined {
  if (!backend.name.startsWith('simd')) return undefined;
  // A multiply-add is two operations.
  return () => (peakMeter(backend.name.includes('wide'))() / 2) * 1e9 * reached * threads;
}

/** `40 seconds`, `3 minutes`, `2.5 hours`. */
function timeText(seconds: number): string {
  const [amount, unit] = seconds < 100 ? [seconds, 'second'] : [seconds / 60, 'minute'];
  if (amount >= 100) return `${(amount / 60).toFixed(1)} hours`;
  return counted(Math.max(1, Math.round(amount)), unit);
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

function bytesText(bytes: number): string {
  if (bytes < 1e8) return `${Math.ceil(bytes / 1e6)} MB`;
  return bytes < 1e12 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e12)} TB`;
}

/** `3.2 · 10¹²`. */
function powerOfTen(value: number): string {
  const exponent = Math.floor(Math.log10(value));
  const raised = [...String(exponent)].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
  return `${(value / 10 ** exponent).toFixed(1)} · 10${raised}`;
}
