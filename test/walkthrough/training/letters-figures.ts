/** What the page says of the model of letters, which `letters.slow.test.ts` and `reading.test.ts` measure anew. */
export const figures = {
  /** Percent of letters of a family that it does not know which the reader reads right. */
  reader: '99',
} as const;
