/** The compression of GIF: Lempel, Ziv and Welch's, of bytes, with codes of 9 to 12 bits (version 89a, appendix F). */

const [clear, end, firstFree, mostCodes] = [256, 257, 258, 4096];

/** The codes of these bytes, packed with the low bit first. */
export function lzw(bytes: Uint8Array): Uint8Array {
  const packed: number[] = [];
  let [bits, held] = [0, 0];
  const write = (code: number, width: number): void => {
    bits |= code << held;
    held += width;
    for (; held >= 8; held -= 8, bits >>>= 8) packed.push(bits & 255);
  };

  // What was read so far has the code `prefix`; with one byte more it has a code of its own, or is given one.
  let codes = new Map<number, number>();
  let [width, prefix] = [9, -1];
  write(clear, width);
  for (const byte of bytes) {
    const longer = prefix * 256 + byte;
    const known = prefix < 0 ? byte : codes.get(longer);
    if (known !== undefined) {
      prefix = known;
      continue;
    }
    write(prefix, width);
    prefix = byte;
    const code = firstFree + codes.size;
    if (code < mostCodes) {
      codes.set(longer, code);
      if (code === 1 << width) width++;
    } else {
      write(clear, width);
      [codes, width] = [new Map(), 9];
    }
  }
  if (prefix >= 0) write(prefix, width);
  // The reader has one more entry by now, whose code may be the first that is wider.
  if (firstFree + codes.size === 1 << width && width < 12) width++;
  write(end, width);
  if (held > 0) packed.push(bits & 255);
  return Uint8Array.from(packed);
}
