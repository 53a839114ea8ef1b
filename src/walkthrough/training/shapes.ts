/** Shapes in the plane, which points are drawn from: lines, anywhere on which a point is as likely. */
import { at } from '../../tensor/at.ts';
import { cos, sin } from '../../tensor/math/index.ts';
import type { Generator } from '../../tensor/random.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import { side } from '../study.ts';
import { pixelsOf, type Ink } from '../work/own.ts';
import type { Point } from '../work/toy.ts';

/** Lines, each through its points. */
export type Shape = readonly (readonly Point[])[];

/** How far points lie off their line, as a standard deviation in either direction. */
const jitter = 0.03;

const letterA: Shape = [
  [
    [-1.1, -1.4],
    [0, 1.4],
    [1.1, -1.4],
  ],
  [
    [-0.66, -0.3],
    [0.66, -0.3],
  ],
];

/** Those that one can choose. */
export const shapes = { spiral: [spiral()], moons: [halfCircle(-1), halfCircle(1)], letter: letterA } as const;

function spiral(): readonly Point[] {
  const turns = 1.6;
  return Array.from({ length: 161 }, (_, i) => {
    // By the root of the angle, so that the corners of the line lie about evenly.
    const angle = 2 * Math.PI * turns * Math.sqrt(0.03 + (0.97 * i) / 160);
    return [0.16 * angle * cos(angle), 0.16 * angle * sin(angle)];
  });
}

/** @param above 1 for the lower moon, whose horns point upwards, −1 for the upper one */
function halfCircle(above: 1 | -1): readonly Point[] {
  return Array.from({ length: 41 }, (_, i) => {
    const angle = (Math.PI * i) / 40;
    return [above * (0.5 - cos(angle)), above * (0.2 - sin(angle))];
  });
}

/** How many cells of the paper are as long as 1 in the plane. */
const cellsPerUnit = 10;

/** What the reader has drawn: a short line across each cell that has ink. */
export function shapeOf(ink: Ink): Shape {
  return pixelsOf(ink).flatMap((has, i): Shape => {
    if (!has) return [];
    const left = ((i % side) - side / 2) / cellsPerUnit;
    const y = (side / 2 - Math.floor(i / side) - 0.5) / cellsPerUnit;
    return [
      [
        [left, y],
        [left + 1 / cellsPerUnit, y],
      ],
    ];
  });
}

/** A straight piece of a line. */
interface Piece {
  readonly from: Point;
  readonly to: Point;
  readonly length: number;
}

function piecesOf(shape: Shape): readonly Piece[] {
  return shape.flatMap((line) =>
    line.slice(1).map((to, i) => {
      const from = at(line, i);
      return { from, to, length: distance(from, to) };
    }),
  );
}

/**
 * Points of a shape, [N,1,1,2]: across, then up.
 * @param shape not empty
 */
export function pointsFrom(shape: Shape, count: number, generator: Generator): Tensor {
  const pieces = piecesOf(shape);
  let whole = 0;
  const ends = pieces.map(({ length }) => (whole += length));
  const places = generator.rand([count], 'f64').data;
  const offsets = generator.randn([count, 2]).data;
  const data = Float32Array.from({ length: 2 * count }, (_, i) => {
    const place = at(places, i >> 1) * whole;
    const number = Math.min(
      ends.findIndex((end) => place < end),
      pieces.length - 1,
    );
    const { from, to, length } = at(pieces, number);
    const share = 1 - (at(ends, number) - place) / length;
    const axis = i % 2 === 0 ? 0 : 1;
    return from[axis] + share * (to[axis] - from[axis]) + jitter * at(offsets, i);
  });
  return tensor('f32', [count, 1, 1, 2], data);
}

/** How far samples lie from a shape, and the shape from the samples. */
export interface Fit {
  /** From a sample to the nearest place of the shape, on average. */
  readonly off: number;
  /** From a corner of the shape's lines to the nearest sample, on average: large where samples leave gaps. */
  readonly gaps: number;
}

/** @param samples [N,1,1,2] */
export function fitOf(shape: Shape, samples: Tensor): Fit {
  const points = pointsOf(samples);
  const pieces = piecesOf(shape);
  return {
    off: mean(points.map((point) => least(pieces, (piece) => distanceTo(piece, point)))),
    gaps: mean(shape.flat().map((corner) => least(points, (point) => distance(corner, point)))),
  };
}

/** The least of their distances. No list of them is made: there are tens of thousands, while somebody scrolls. */
function least<Thing>(things: readonly Thing[], distanceOf: (thing: Thing) => number): number {
  let found = Infinity;
  for (const thing of things) found = Math.min(found, distanceOf(thing));
  return found;
}

/** [N,1,1,2] as points. */
export function pointsOf({ data }: Tensor): readonly Point[] {
  return Array.from({ length: data.length / 2 }, (_, i): Point => [at(data, 2 * i), at(data, 2 * i + 1)]);
}

function distanceTo({ from, to, length }: Piece, point: Point): number {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const [x, y] = [point[0] - from[0], point[1] - from[1]];
  const share = Math.min(1, Math.max(0, (x * dx + y * dy) / (length * length)));
  return lengthOf(x - share * dx, y - share * dy);
}

function distance(a: Point, b: Point): number {
  return lengthOf(a[0] - b[0], a[1] - b[1]);
}

/** No hypot: engines round it differently, and a point of the data would move with it. */
function lengthOf(dx: number, dy: number): number {
  return Math.sqrt(dx * dx + dy * dy);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
