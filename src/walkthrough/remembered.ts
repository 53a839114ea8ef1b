/** Values that are kept while nothing behind them changes: figures are drawn anew far more often than that. */

/**
 * A function that remembers its latest value: asked for the same key again, it computes nothing.
 * @param compute of a key, and of what goes with it: the same with the same key
 */
export function remembered<Key, Rest extends readonly unknown[], Value>(
  compute: (key: Key, ...rest: Rest) => Value,
): (key: Key, ...rest: Rest) => Value {
  let known: { readonly key: Key; readonly value: Value } | undefined;
  return (key, ...rest) => {
    if (known?.key !== key) known = { key, value: compute(key, ...rest) };
    return known.value;
  };
}
