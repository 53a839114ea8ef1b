/** Looking things up that must be there. */

/**
 * The value, unless there is none.
 * @param what it is, for the message
 * @throws Error when it is undefined or null
 */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Error(`there is no ${what}`);
  return value;
}

/**
 * The one item of a list: what is computed for each sample of a batch, where the batch has one.
 * @throws Error when there is none, or another
 */
export function only<T>(items: ArrayLike<T>): T {
  if (items.length !== 1) throw new Error(`one item is expected, but there are ${items.length}`);
  return present(items[0], 'item');
}
