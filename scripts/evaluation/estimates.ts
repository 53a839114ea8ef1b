/** Estimates in words. */
import type { Estimate } from '../../src/evaluation/bootstrap.ts';

/** Whether a change is to be told from none: its interval leaves 0 out. */
export function isSure({ low, high }: Estimate): boolean {
  return low > 0 || high < 0;
}

/** `−15.70`. */
export function numberText(value: number, digits: number): string {
  return value.toFixed(digits).replace('-', '−');
}

/** `15.70 [14.34, 17.11]`. */
export function intervalText({ value, low, high }: Estimate, digits: number): string {
  return `${numberText(value, digits)} [${numberText(low, digits)}, ${numberText(high, digits)}]`;
}

/** `+0.05 [−0.08, +0.20]`. */
export function changeText({ value, low, high }: Estimate, digits: number): string {
  const signed = (number: number): string => `${number > 0 ? '+' : ''}${numberText(number, digits)}`;
  return `${signed(value)} [${signed(low)}, ${signed(high)}]`;
}

/** A change as it stands below its value in a cell of a table: bold where it is sure. */
export function withChange(value: string, change: Estimate, digits: number): string {
  const text = changeText(change, digits);
  return `${value}<br>${isSure(change) ? `**${text}**` : text}`;
}
