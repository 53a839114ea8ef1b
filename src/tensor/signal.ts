import { withMethods } from './checks.ts';

/** The part of an AbortSignal that is used here. */
export interface Signal {
  readonly aborted: boolean;
  /** What is thrown by what it stops. */
  readonly reason: unknown;
  /** Calls `listener` when it is aborted. */
  addEventListener(type: 'abort', listener: () => void): void;
  /** Calls it no more. */
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A signal. */
export const aSignal = withMethods<Signal>('an AbortSignal', 'addEventListener', 'removeEventListener');

/** @throws the signal's reason, when it is aborted */
export function throwIfAborted(signal: Signal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}
