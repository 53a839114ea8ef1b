/**
 * Whether one of the patterns means the whole of `path`: `*` stands for any run of characters, `?` for one. So
 * `mid_block.*` chooses all that is inside the middle.
 */
export function matchesAny(patterns: readonly string[], path: string): boolean {
  const characters = [...path];
  return patterns.some((pattern) => matches([...pattern], characters));
}

/**
 * Each `*` takes as little as it can, and one more when what follows does not fit: only the last one has to give way,
 * for what a former one could gain the last can have as well. So no pattern takes more than |pattern| · |path| looks.
 */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  let [at, from] = [0, 0];
  let star: { readonly at: number; from: number } | undefined;
  while (from < path.length) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = { at, from };
      at++;
    } else if (wanted === '?' || wanted === path[from]) {
      at++;
      from++;
    } else if (star) {
      star.from++;
      [at, from] = [star.at + 1, star.from];
    } else return false;
  }
  return pattern.slice(at).every((rest) => rest === '*');
}
