/**
 * Whether one of the patterns means the whole of `path`: `*` stands for any run of characters, `?` for one. So
 * `mid_block.*` chooses all that is inside the middle.
 */
export function matchesAny(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) => glob(pattern).test(path));
}

function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  // A run of both, as *?*?, is one repetition: several in a row could share out what they match in ever more ways.
  const repetition = (run: string): string =>
    `.{${run.replaceAll('*', '').length},${run.includes('*') ? '' : run.length}}`;
  return new RegExp(`^${escaped.replace(/[*?]+/g, repetition)}$`, 'u');
}
