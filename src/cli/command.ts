/** A command of the command line, as `pag sample`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What `--help` shows; where it depends on the other arguments, a function of them. */
  readonly help: string | ((args: readonly string[]) => string);
  /** @returns the exit status: 0, or 1 when a check failed. Unusable input is thrown as an InputError and becomes 2. */
  run(args: readonly string[]): Promise<number>;
}
