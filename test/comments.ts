/** A source without its comments: they may name what the code does not. Those behind code stay. */
export function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\/|^ *\/\/.*$/gm, '');
}
