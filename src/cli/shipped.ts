/** The files that ship with the package, from src/cli and from dist/cli alike. */
import { fileURLToPath } from 'node:url';

const fixture = (path: string): string => fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));

/** A pipeline folder: letters of 32 × 32 pixels, classes 0 (A) to 25 (Z), 26 for none. */
export const lettersModel = fixture('letters/model');
/** Reads letters; for evaluations of the letters model. */
export const shippedClassifier = fixture('letters/classifier.safetensors');
/** A sheet of real letters that neither model nor classifier has seen. */
export const shippedLetters = fixture('letters/held-out.png');
/** The folder of the oracle's cases. */
export const shippedOracle = fixture('oracle');
