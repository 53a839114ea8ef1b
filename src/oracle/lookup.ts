/** Looking up what must be there, for maps that are filled together. */

/** The value of `key`. Throws an Error when there is none: a mistake of ours, not of the user. */
export function entryOf<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`there is no ${String(key)} among ${[...map.keys()].join(', ')}`);
  return value;
}
