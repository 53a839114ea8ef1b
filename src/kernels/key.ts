/** Plain data as text, for keys: equal texts only for equal data, −0 and the numbers that JSON lacks included. */
export function keyOf(data: unknown): string {
  return JSON.stringify(data, (_name, value: unknown) => {
    if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value;
    return Object.is(value, -0) ? '-0' : String(value);
  });
}
