/** Errors in plain words. */
import { messageOf } from '../tensor/errors.ts';

/** What is said of code that does not come, or does not start. */
export const notLoaded =
  'A part of this page could not be loaded: the network may be gone, or a file may be missing beside the page.';

/** What the reader is told of an error. */
export function explain(problem: unknown): string {
  const text = messageOf(problem);
  if (/allocation failed|invalid (typed )?array (buffer )?length|out of memory|could not allocate/i.test(text)) {
    return `This browser has too little memory left (${text}). Closing other pages may help.`;
  }
  // As Chromium, Firefox and Safari say that an import has failed.
  if (/dynamically imported module|importing a module script/i.test(text)) return notLoaded;
  return text;
}
