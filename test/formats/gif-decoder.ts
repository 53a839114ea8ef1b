/** A decoder of GIF, written from the specification, to read what `encodeGif` writes. */
import { expect } from 'vitest';

/** A picture of a GIF. */
export interface ReadFrame {
  readonly hundredths: number;
  /** Red, green, blue. */
  readonly pixels: readonly number[];
}

/** Reads the files that are written here: one table, no interlace, no transparency. */
export function decodeGif(bytes: Uint8Array): { readonly frames: readonly ReadFrame[] } {
  const table = bytes.subarray(13, 13 + 768);
  const frames: ReadFrame[] = [];
  let [place, hundredths] = [13 + 768, 0];
  const blocks = (): number[] => {
    const data: number[] = [];
    while (bytes[place] > 0) {
      data.push(...bytes.subarray(place + 1, place + 1 + bytes[place]));
      place += 1 + bytes[place];
    }
    place++;
    return data;
  };
  for (;;) {
    const kind = bytes[place++];
    if (kind === 0x3b) break;
    if (kind === 0x21) {
      const label = bytes[place++];
      const data = blocks();
      if (label === 0xf9) hundredths = data[1] | (data[2] << 8);
    } else {
      expect(kind).toBe(0x2c);
      const size = (bytes[place + 4] | (bytes[place + 5] << 8)) * (bytes[place + 6] | (bytes[place + 7] << 8));
      expect(bytes[place + 9]).toBe(8);
      place += 10;
      const indices = decodeLzw(blocks());
      expect(indices.length).toBe(size);
      frames.push({ hundredths, pixels: indices.flatMap((index) => [...table.subarray(3 * index, 3 * index + 3)]) });
    }
  }
  expect(place).toBe(bytes.length);
  return { frames };
}

function decodeLzw(data: readonly number[]): number[] {
  const fresh = (): number[][] => Array.from({ length: 258 }, (_, i) => [i]);
  const out: number[] = [];
  let [table, width, last, bit] = [fresh(), 9, [] as number[], 0];
  for (;;) {
    let code = 0;
    for (let i = 0; i < width; i++, bit++) code |= ((data[bit >> 3] >> (bit & 7)) & 1) << i;
    if (code === 257) return out;
    if (code === 256) {
      [table, width, last] = [fresh(), 9, []];
      continue;
    }
    const entry = table[code] ?? [...last, last[0]];
    if (last.length > 0 && table.length < 4096) table.push([...last, entry[0]]);
    if (table.length === 1 << width && width < 12) width++;
    out.push(...entry);
    last = entry;
  }
}
