/** A command of the command line. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /** @returns the exit status: 0, or 1 when a check failed. Unusable input is thrown as an InputError and becomes 2. */
  run(args: readonly string[]): Promise<number>;
}
