/** Vectors that are taken apart: four of them transposed, and stores of fewer than four lanes. */
import { set, shuffle32, v128 } from '../assembler/index.ts';
import type { Body, Code, I32, Local, V128 } from '../assembler/index.ts';

/** Up to four vectors as the rows of a matrix: its four columns, as many of whose lanes count as there are rows. */
export function transposed(
  body: Body,
  rows: readonly V128[],
): { readonly code: Code; readonly columns: readonly Local<'v128'>[] } {
  const locals = rows.map(() => body.local('v128'));
  const [r0, r1, r2, r3] = [0, 1, 2, 3].map((i) => locals[i] ?? locals[0]);
  const [low01, low23, high01, high23] = body.locals('v128');
  const columns = [0, 1, 2, 3].map(() => body.local('v128'));
  const values = [
    shuffle32(low01, low23, [0, 1, 4, 5]),
    shuffle32(low01, low23, [2, 3, 6, 7]),
    shuffle32(high01, high23, [0, 1, 4, 5]),
    shuffle32(high01, high23, [2, 3, 6, 7]),
  ];
  const code = [
    rows.map((row, i) => set(locals[i], row)),
    set(low01, shuffle32(r0, r1, [0, 4, 1, 5])),
    set(low23, shuffle32(r2, r3, [0, 4, 1, 5])),
    set(high01, shuffle32(r0, r1, [2, 6, 3, 7])),
    set(high23, shuffle32(r2, r3, [2, 6, 3, 7])),
    values.map((value, i) => set(columns[i], value)),
  ];
  return { code, columns };
}

/** Stores the first `lanes` of a vector's four lanes, 1 to 4. */
export function storeLanes(address: I32, value: Local<'v128'>, lanes: number, offset = 0): Code {
  if (lanes === 4) return v128.store(address, value, offset);
  const last = lanes - 1;
  return [
    lanes >= 2 ? v128.store64Lane(address, value, 0, offset) : [],
    lanes % 2 === 1 ? v128.store32Lane(address, value, last, offset + 4 * last) : [],
  ];
}

/** Stores the first `lanes` of a vector's four lanes into every second number. */
export function storeApart(address: I32, value: Local<'v128'>, lanes: number, offset = 0): Code {
  return Array.from({ length: lanes }, (_, lane) => v128.store32Lane(address, value, lane, offset + 8 * lane));
}
