/** Looking up what must be there, for maps that are filled together, and what has been computed before. */

/** The value of `key`. Throws an Error when there is none: a mistake of ours, not of the user. */
export function entryOf<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`there is no ${String(key)} among ${[...map.keys()].join(', ')}`);
  return value;
}

/** A function of objects that computes what it gives for each of them once. */
export function remembered<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    const value = known.get(key) ?? compute(key);
    known.set(key, value);
    return value;
  };
}
