/**
 * The gradient of a convolution's result, transformed tile by tile as definition/winograd-weight-gradient says, and
 * packed in panels of eight outputs (or 16), as the products of a weight's gradient read it.
 */
import { turned, winogradTransforms } from '../../definition/winograd.ts';
import { keyOf } from '../../key.ts';
import { f32x4, forRange, i32, increase, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, Local } from '../assembler/index.ts';
import { at, kernel, type Library, type Panel } from '../library.ts';
import { apart } from '../memory/planes.ts';
import { parallel } from '../threads/parallel.ts';
import { panelsLength } from './panels.ts';
import { transposed } from './vectors.ts';
import { combined, GROUP, groupCounts, VECTOR, type WinogradSpec } from './winograd.ts';

/** What the kernel depends on; the input is the gradient, with zeros as far as the last group reaches. */
export type WinogradGradientSpec = Omit<WinogradSpec, 'channels' | 'outBatchStride' | 'epilogue'>;

/** Pixels of a row that are loaded at once. */
const PIXELS = 4;

/** Bytes from a place of the packed gradient to the next. */
export function placeBytes(panel: Panel, spec: WinogradGradientSpec): number {
  const { rows, perRow } = groupCounts(spec);
  return apart(4 * panelsLength(panel, spec.outChannels, spec.batch * rows * perRow * GROUP));
}

/** The kernel of (thread, counters, gradient, packed [place][panel][batch][tile][P]), places apart. */
export function winogradGradientKernel(lib: Library, spec: WinogradGradientSpec): Func {
  const { batch, outChannels, input, width } = spec;
  const { rows, perRow } = groupCounts(spec);
  const panels = Math.ceil(outChannels / lib.panel);
  const rest = outChannels % lib.panel;
  const rowBytes = 4 * lib.panel * GROUP * perRow;
  const quads = (GROUP * width * perRow) / PIXELS;
  return kernel(lib, `winogradGradient${keyOf(spec)}`, 2, (body) => {
    const [input0, out0] = body.pointers;
    const [b, panel, row, quad, from, to] = body.locals('i32');
    const outputs = (count: number): Code =>
      forRange(quad, i32.const(0), i32.const(quads), 1, [
        Array.from({ length: lib.panel / 4 }, (_, part) =>
          transformQuad(body, lib, spec, from, to, part, Math.max(0, Math.min(4, count - 4 * part))),
        ),
        increase(from, 4 * PIXELS),
        increase(to, (PIXELS / width) * 4 * lib.panel),
      ]);
    return parallel(lib, body, batch * panels * rows, (unit) => [
      set(row, i32.remU(unit, i32.const(rows))),
      set(panel, i32.remU(i32.divU(unit, i32.const(rows)), i32.const(panels))),
      set(b, i32.divU(unit, i32.const(rows * panels))),
      set(from, at(at(input0, b, input.batchStride), panel, lib.panel * input.planeStride)),
      set(from, at(from, row, 2 * input.rowStride)),
      set(to, at(at(out0, panel, batch * rows * rowBytes), b, rows * rowBytes)),
      set(to, at(to, row, rowBytes)),
      rest === 0 ? outputs(lib.panel) : when(i32.eq(panel, i32.const(panels - 1)), outputs(rest), outputs(lib.panel)),
    ]);
  });
}

/** The tiles of four pixels of two rows, for `count` of the four outputs of a part of a panel. */
function transformQuad(
  body: Body,
  lib: Library,
  spec: WinogradGradientSpec,
  from: Local<'i32'>,
  to: Local<'i32'>,
  part: number,
  count: number,
): Code {
  const { width, input } = spec;
  const placeStride = placeBytes(lib.panel, spec);
  const [down, across] = [turned(winogradTransforms[2].output), turned(winogradTransforms[width].output)];
  const pixels = [0, 1].map((row) =>
    transposed(
      body,
      Array.from({ length: 4 }, (_, output) =>
        output < count
          ? v128.load(from, (4 * part + output) * input.planeStride + row * input.rowStride)
          : f32x4.const(0),
      ),
    ),
  );
  const column = Array.from({ length: width }, () => body.local('v128'));
  const tile = (first: number): Code =>
    down.map((factors, i) => [
      column.map((sum, j) =>
        set(
          sum,
          combined(
            factors,
            pixels.map(({ columns }) => columns[first * width + j]),
          ),
        ),
      ),
      across.map((more, j) =>
        v128.store(
          to,
          combined(more, column),
          (i * (width + 2) + j) * placeStride + first * 4 * lib.panel + VECTOR * part,
        ),
      ),
    ]);
  return [pixels.map(({ code }) => code), Array.from({ length: PIXELS / width }, (_, first) => tile(first))];
}
