/** The orders of sums of honest/dot.ts for whole rows of sums at a time, as a machine (machine.ts) carries them out. */
import { fused, lanes, pairwise, reversed, sequential, type Dot } from '../honest/dot.ts';

/** Some rows of a product of matrices that are being computed; places in the machine's memory are numbers. */
export interface Rows {
  /** Where the rows are wanted. */
  readonly out: number;
  /** How many terms each sum has. */
  readonly inner: number;
  /** Room for as many rows. */
  buffer(i: number): number;
  /** to = the sums of the terms from `from` on, in runs of `run` (all, unless given) that are added up. */
  sum(to: number, from: number, count: number, run?: number): void;
  /** to += from. */
  plus(to: number, from: number): void;
}

/** How some rows of a product come about. */
export interface Order {
  readonly compute: (rows: Rows) => void;
  /** How many buffers it needs; none, unless given. */
  readonly buffers?: (inner: number) => number;
  /** The order in which the terms are laid out; as they are, unless given. */
  readonly terms?: (inner: number) => readonly number[];
  /** Whether product and sum are rounded once, together. */
  readonly fused?: boolean;
}

/** One after another, in runs of so many that are added up. */
export function inRuns(run?: number): Order {
  return { compute: ({ out, inner, sum }) => sum(out, 0, inner, run) };
}

const counted = (count: number): readonly number[] => Array.from({ length: count }, (_, k) => k);

const inPairs: Order = {
  buffers: (inner) => Math.ceil(Math.log2(Math.max(2, inner))),
  compute({ out, inner, buffer, sum, plus }) {
    const add = (to: number, from: number, count: number, depth: number): void => {
      const half = count >> 1;
      if (count <= 4) sum(to, from, count);
      else {
        add(to, from, half, depth);
        add(buffer(depth), from + half, count - half, depth + 1);
        plus(to, buffer(depth));
      }
    };
    add(out, 0, inner, 0);
  },
};

const inLanes: Order = {
  buffers: () => 15,
  // The terms of a lane beside one another.
  terms: (inner) => counted(16).flatMap((lane) => counted(inner).filter((k) => k % 16 === lane)),
  compute({ out, inner, buffer, sum, plus }) {
    const lane = (i: number): number => (i === 0 ? out : buffer(i - 1));
    let from = 0;
    for (let i = 0; i < 16; i++) {
      const count = Math.ceil(Math.max(0, inner - i) / 16);
      sum(lane(i), from, count);
      from += count;
    }
    for (let half = 8; half >= 1; half /= 2) for (let i = 0; i < half; i++) plus(lane(i), lane(i + half));
  },
};

/** By the definition whose bits they have; an order that is missing here is computed by its definition. */
export const orders: ReadonlyMap<Dot, Order> = new Map<Dot, Order>([
  [sequential, inRuns()],
  [reversed, { ...inRuns(), terms: (inner) => [...counted(inner)].reverse() }],
  [fused, { ...inRuns(), fused: true }],
  [pairwise, inPairs],
  [lanes, inLanes],
]);
