/** Weights in panels, as tiles read them: the numbers of a panel's outputs side by side, step by step. */
import type { Panel } from '../library.ts';

/** Floats of the weights [O, C] as panels. */
export function panelsLength(panel: Panel, outChannels: number, channels: number): number {
  return Math.ceil(outChannels / panel) * channels * panel;
}

/**
 * The weights [O, C] as panels [⌈O/P⌉][C][P], the last one filled up with zeros. They may be a part of longer rows,
 * from number `first` of each on.
 */
export function packPanels(
  panel: Panel,
  weight: ArrayLike<number>,
  outChannels: number,
  channels: number,
  first = 0,
): Float32Array {
  const rowLength = weight.length / outChannels;
  const packed = new Float32Array(panelsLength(panel, outChannels, channels));
  for (let o = 0; o < outChannels; o++) {
    const start = Math.floor(o / panel) * channels * panel + (o % panel);
    for (let c = 0; c < channels; c++) packed[start + c * panel] = weight[o * rowLength + first + c];
  }
  return packed;
}
