/** What the page says of the model of letters, which `letters.slow.test.ts` and `reading.test.ts` measure anew. */
export const figures = {
  /** Percent of letters of a family that it does not know which the reader reads right. */
  reader: '99',
  /** How many of A to Z are read as asked: drawn by the model alone, and with PAG of s = 1. */
  'seed 0, 200 steps': ['21', '22'],
  'seed 0, 1000 steps': ['25', '25'],
  'seed 1, 1000 steps': ['25', '26'],
  /** How much of the paper has ink, in percent: of what is learned, of A to Z drawn in the end, and with PAG. */
  ink: ['16', '16', '20'],
  /** Of 200 and of all steps with their drawings in Chromium, on an AMD EPYC (Zen 5); no test measures it. */
  seconds: ['17', '73'],
} as const;
