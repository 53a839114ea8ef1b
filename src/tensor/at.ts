/** Reading lists at places that must be there. */

/**
 * `list[index]`, where undefined would spoil what is computed from it.
 * @throws RangeError where the list has no such place: a mistake of this library, not of who uses it
 */
export function at<T>(list: ArrayLike<T>, index: number): T {
  const value = list[index];
  if (value === undefined) throw new RangeError(`there is no place ${index} in a list of ${list.length}`);
  return value;
}

/** The last of a list that is not empty. @throws RangeError where it is empty */
export function lastOf<T>(list: ArrayLike<T>): T {
  return at(list, list.length - 1);
}
