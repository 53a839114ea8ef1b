/** What a program imports from `pag-reference/node`: files and PNG, which need Node. */
export { folderReader, readBytes, writeWhole } from './formats/node-files.ts';
export { encodePng, type Picture } from './formats/png.ts';
