/** What a program imports from `pag-reference/node`: files and PNG, which need Node. */
import { fileURLToPath } from 'node:url';

export { folderReader, readBytes, writeWhole } from './formats/node-files.ts';
export { decodePng, readPngTexts, type DecodedPicture } from './formats/png-reader.ts';
export { encodeApng, encodePng, type Picture, type PngTexts } from './formats/png.ts';

/**
 * The folder of the model that ships with the package: letters of 32 × 32 pixels, classes 0 (A) to 25 (Z), 26 for none.
 */
export const lettersModel: string = fileURLToPath(new URL('../fixtures/letters/model', import.meta.url));
