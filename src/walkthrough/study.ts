/** What is fixed about the letters model, and about the runs and the check on this page. */

/** Steps of DDIM in every run. */
export const stepCount = 20;
/** How many of them are taken where a figure opens, unless its section says otherwise. */
export const usualStep = 9;
/** Height and width of a letter in pixels. */
export const side = 32;
/** The class label that means "no letter in particular". */
export const noLetter = 26;
/** The case that the oracle asks, and the folder of the page's `oracle` that holds it. */
export const caseName = 'unets/tiny';
/** A case that finds what the network is no part of. */
export const runCaseName = 'runs/pag';
/** So many pictures that nobody asked for stand at the head of the page. */
export const heroPictures = 6;
/** At most so many letters in the reader's word. */
export const longestWord = 6;
/** Height and width of the letters that a reader's model learns, and the steps of DDIM in which it draws them. */
export const [smallSide, smallSteps] = [16, 12];
/** So many it draws of no letter in particular, behind A to Z. */
export const unasked = 7;
/** So many pictures are drawn of a prompt. */
export const wordsPictures = 4;

/** A–Z → 0–25. */
export function labelOf(letter: string): number {
  return letter.charCodeAt(0) - 65;
}
