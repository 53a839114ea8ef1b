/**
 * The letters that are learned, as they lie beside the page: a grey PNG, white on black, with all of them one below the
 * other, A to Z of a face, then those of the next.
 */
import { readChunks, type Fail } from '../../formats/png-chunks.ts';
import { samplesOf } from '../../formats/png-lines.ts';
import { InputError } from '../../tensor/errors.ts';
import type { Pictures } from '../../training/pictures.ts';
import { present } from '../checked.ts';
import { noLetter, smallSide } from '../study.ts';

/** What it is called, in its folder. */
export const lettersFile = 'letters.png';

/** Reads it. @throws InputError when it is damaged */
export async function lettersIn(png: Uint8Array): Promise<Pictures> {
  const fail: Fail = (message) => {
    throw new InputError(`${lettersFile}: ${message}`);
  };
  const chunks = readChunks(png, fail);
  const header = present(chunks.find(({ type }) => type === 'IHDR')?.data, 'header of the letters');
  const height = new DataView(header.buffer, header.byteOffset).getUint32(4);
  const layout = { width: smallSide, height, bits: 8, channels: 1, isInterlaced: false };
  const packed = chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data as Uint8Array<ArrayBuffer>);
  const unpacked = new Blob(packed).stream().pipeThrough(new DecompressionStream('deflate'));
  const lines = new Uint8Array(await new Response(unpacked).arrayBuffer());
  return lettersOf(Uint8Array.from(samplesOf(lines, layout, fail)));
}

/** @param pixels of all letters, [N,H,W], from 0, paper, to 255, ink; N is a multiple of 26 */
export function lettersOf(pixels: Uint8Array): Pictures {
  const count = pixels.length / smallSide ** 2;
  return {
    shape: [count, 1, smallSide, smallSide],
    data: pixels,
    labels: Array.from({ length: count }, (_, number) => number % noLetter),
  };
}
