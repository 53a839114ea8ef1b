/** Numbers in six digits: more than the pictures are good for. */

/** A number in six digits. */
export const sixDigits = (value: number): number => Number(value.toPrecision(6));

/** A value as the JSON of a file, its numbers in six digits. */
export function sixDigitJson(value: unknown): string {
  const shorter = (_key: string, part: unknown): unknown => (typeof part === 'number' ? sixDigits(part) : part);
  return `${JSON.stringify(value, shorter, 1)}\n`;
}
