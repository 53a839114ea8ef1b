/**
 * An error in what the user supplied: a file, a config, an option. Its message is one line that says what was found,
 * where, what was expected, and the way out. The command line prints it and ends with status 2.
 */
export class InputError extends Error {
  /** What `String(error)` begins with. */
  override readonly name = 'InputError';

  /**
   * @param message shown on one line, cut after 1,500 characters; control characters are written as escapes
   * @param options the `cause`, where another error is
   */
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(oneLine(message), options);
  }
}

/** What was thrown says: its message, where it is an error. */
export function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

/**
 * A text on one line, its control characters written as escapes. What is shown quotes what was found in files: it must
 * neither break the line, nor reach the terminal as a command.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** The same, of at most 1,500 characters: what is cut off was quoted, and is longer than anyone reads. */
export function oneLine(text: string): string {
  const line = printable(text);
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}

const longest = 1500;
