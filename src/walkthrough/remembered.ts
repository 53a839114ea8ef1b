/** Values that are kept while nothing behind them changes: figures are drawn anew far more often than that. */

/**
 * A function that remembers its latest value: given the same again, it computes nothing.
 * @param compute gives the same for the same
 */
export function remembered<Given extends readonly unknown[], Value>(
  compute: (...given: Given) => Value,
): (...given: Given) => Value {
  let latest: { readonly given: Given; readonly value: Value } | undefined;
  return (...given) => {
    if (!latest || !areSame(latest.given, given)) latest = { given, value: compute(...given) };
    return latest.value;
  };
}

/**
 * The same for what takes long: it is computed in a task of its own, so that no frame waits for it. Until it is known,
 * the value is undefined, and what is shown may stay as it is.
 * @param known is told when there is a value
 */
export function rememberedLater<Given extends readonly unknown[], Value>(
  compute: (...given: Given) => Value,
  known: () => void,
): (...given: Given) => Value | undefined {
  let latest: { readonly given: Given; value?: Value } | undefined;
  return (...given) => {
    if (latest && areSame(latest.given, given)) return latest.value;
    const asked: NonNullable<typeof latest> = { given };
    latest = asked;
    setTimeout(() => {
      // Another may have been asked for since.
      if (latest !== asked) return;
      asked.value = compute(...given);
      known();
    });
    return undefined;
  };
}

function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}
