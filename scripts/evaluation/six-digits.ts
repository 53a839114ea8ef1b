/** A value as the JSON of a file, its numbers in six digits: more than the pictures are good for. */
export function sixDigits(value: unknown): string {
  const shorter = (_key: string, part: unknown): unknown =>
    typeof part === 'number' ? Number(part.toPrecision(6)) : part;
  return `${JSON.stringify(value, shorter, 1)}\n`;
}
