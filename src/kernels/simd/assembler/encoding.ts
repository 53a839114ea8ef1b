/** Numbers as bytes of a WebAssembly module (core specification 2.0, section 5.2), each a character. */

/** Unsigned LEB128. Throws a RangeError for what is no whole number from 0 on, such as a negative offset. */
export function unsigned(value: number): string {
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${value} cannot be encoded as an unsigned integer`);
  let bytes = '';
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes += String.fromCharCode(0x80 | (rest % 0x80));
  return bytes + String.fromCharCode(rest);
}

/** Signed LEB128 of a 32-bit integer; other numbers are taken modulo 2³². */
export function signed(value: number): string {
  let bytes = '';
  let rest = value | 0;
  for (; rest < -0x40 || rest >= 0x40; rest >>= 7) bytes += String.fromCharCode(0x80 | (rest & 0x7f));
  return bytes + String.fromCharCode(rest & 0x7f);
}

/** Rewritten by each call before it is read. */
const scratch = new DataView(new ArrayBuffer(8));

/** The four bytes of a single-precision number. */
export function f32Bytes(value: number): string {
  scratch.setFloat32(0, value, true);
  return scratchBytes(0);
}

/** The eight bytes of a double-precision number. */
export function f64Bytes(value: number): string {
  scratch.setFloat64(0, value, true);
  return scratchBytes(0) + scratchBytes(4);
}

/** The four bytes of a 32-bit integer. */
export function i32Bytes(value: number): string {
  scratch.setInt32(0, value, true);
  return scratchBytes(0);
}

function scratchBytes(from: number): string {
  const byte = (i: number): number => scratch.getUint8(from + i);
  return String.fromCharCode(byte(0), byte(1), byte(2), byte(3));
}
