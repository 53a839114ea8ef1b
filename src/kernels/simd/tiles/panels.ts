/** Weights in panels, as tiles read them: the numbers of a panel's outputs side by side, step by step. */
import type { Panel } from '../library.ts';

/** Floats of the weights [O, C] as panels. */
export function panelsLength(panel: Panel, outChannels: number, channels: number): number {
  return Math.ceil(outChannels / panel) * channels * panel;
}
