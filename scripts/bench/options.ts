/** Options of commands that measure. */

/** A count that an option gives. @throws Error for what is none, or less than `least` */
export function countOf(option: string, text: string, least = 1): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= least) return count;
  throw new Error(`--${option} is "${text}"; it must be a count, from ${least} on`);
}
