/** Numbers as bytes of a WebAssembly module (core specification 2.0, section 5.2). */

/** Unsigned LEB128. Throws a RangeError for what is no whole number from 0 on, such as a negative offset. */
export function unsigned(value: number): number[] {
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${value} cannot be encoded as an unsigned integer`);
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer; other numbers are taken modulo 2³². */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

function bytesOf(write: (view: DataView) => void, size: number): number[] {
  const view = new DataView(new ArrayBuffer(size));
  write(view);
  return [...new Uint8Array(view.buffer)];
}

/** The four bytes of a single-precision number. */
export const f32Bytes = (value: number): number[] => bytesOf((view) => view.setFloat32(0, value, true), 4);
/** The eight bytes of a double-precision number. */
export const f64Bytes = (value: number): number[] => bytesOf((view) => view.setFloat64(0, value, true), 8);
/** The four bytes of a 32-bit integer. */
export const i32Bytes = (value: number): number[] => bytesOf((view) => view.setInt32(0, value, true), 4);
