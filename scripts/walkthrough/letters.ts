/** The letters of 16 × 16 that a reader's model learns: those of some faces of `fixtures/training/letters.npz`. */
import { readFileSync } from 'node:fs';
import { readNpy } from '../../src/formats/npy.ts';
import { readZip } from '../../src/formats/zip.ts';
import { joinBytes } from '../../src/tensor/bytes.ts';
import { noLetter, smallSide } from '../../src/walkthrough/study.ts';

const folder = new URL('../../fixtures/training/', import.meta.url);

/** Sans serif, neither thin nor very heavy nor narrow: strokes that 16 pixels can show. */
const left = /Serif|Cond|Thin|Light|Black|Heavy|ExtraBold/;

/** The files of the faces, in the order of their letters. */
export function learnedFaces(): readonly string[] {
  return allFaces().filter((face) => !left.test(face));
}

/** All letters, [N,H,W] bytes, A to Z of a face, then those of the next. */
export function learnedLetters(): Uint8Array {
  const file = 'letters.npz';
  const images = readZip(readFileSync(new URL(file, folder)), file).get('images.npy');
  const { numbers } = readNpy(images?.content() ?? new Uint8Array(0), `${file}: images`);
  const size = noLetter * smallSide ** 2;
  const faces = allFaces().map((face, i) => ({
    face,
    letters: Uint8Array.from(numbers.slice(i * size, (i + 1) * size)),
  }));
  return joinBytes(faces.filter(({ face }) => !left.test(face)).map(({ letters }) => letters));
}

function allFaces(): readonly string[] {
  return readFileSync(new URL('faces.txt', folder), 'utf8').trim().split('\n');
}
