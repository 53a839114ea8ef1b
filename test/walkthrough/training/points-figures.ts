/** What the page says of the model of points, which `points.slow.test.ts` measures anew. */

/** How far points lie off the spiral: fresh ones; what is drawn by the model alone, and with PAG of s = 1. */
export const figures = {
  fresh: '0.025',
  'seed 0, 400 steps': ['0.131', '0.115'],
  'seed 0, 1200 steps': ['0.045', '0.036'],
  'seed 1, 400 steps': ['0.162', '0.173'],
  /** Of a training with its drawings in Chromium, on an AMD EPYC (Zen 5); no test measures it. */
  seconds: '20',
} as const;
