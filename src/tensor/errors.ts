/**
 * An error in what the user supplied: a file, a config, an option. Its message is one line that says what was found,
 * where, what was expected, and the way out. The command line prints it and ends with status 2.
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}
