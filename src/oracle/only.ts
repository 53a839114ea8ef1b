/** Which taps a port says that it has. */
import { InputError } from '../tensor/errors.ts';
import { matchesAny } from '../models/taps.ts';

/**
 * Globs of taps, of a list in which commas part them. A name may hold commas itself: as many parts belong together as
 * name a tap together.
 * @param lists each one or more globs
 * @param names the taps that there are
 * @throws InputError for a glob that names no tap
 */
export function globsOf(lists: readonly string[], names: readonly string[], source: string): readonly string[] {
  const isKnown = (glob: string): boolean => names.some((name) => matchesAny([glob], name));
  return lists.flatMap((list) => {
    const parts = list.split(',');
    const globs: string[] = [];
    for (let at = 0; at < parts.length; ) {
      const ends = parts.slice(at).map((_, i) => parts.length - i);
      const joined = (end: number): string => parts.slice(at, end).join(',').trim();
      const end = ends.find((candidate) => isKnown(joined(candidate)));
      if (end === undefined)
        throw new InputError(`{ only: '${joined(at + 1)}' } names no tap of ${source}; it has ${listed(names)}`);
      globs.push(joined(end));
      at = end;
    }
    return globs;
  });
}

function listed(names: readonly string[]): string {
  return names.length > 12 ? `${names.slice(0, 12).join(', ')}, … (${names.length} in all)` : names.join(', ');
}
