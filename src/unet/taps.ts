/** Choosing inner values by name: `*` stands for any run of characters, `?` for one. `mid_block.*` sees all of the middle. */
export function matchesAny(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) => glob(pattern).test(path));
}

function glob(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*+/g, '.*').replace(/\?/g, '.')}$`, 'u');
}
