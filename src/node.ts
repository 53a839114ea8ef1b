/** What a program imports from `pag-reference/node`: files and PNG, which need Node. */
export { lettersModel } from './cli/shipped.ts';
export { folderReader, readBytes, writeWhole } from './formats/node-files.ts';
export { decodePng, readPngTexts, type DecodedPicture } from './formats/png-reader.ts';
export type { Frame } from './formats/animation.ts';
export type { Picture } from './formats/picture.ts';
export { encodeApng, encodePng, type PngTexts } from './formats/png.ts';
