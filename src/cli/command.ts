import type { OptionKinds } from './options.ts';

/** A command of the command line, as `pag sample`. */
export interface Command {
  /** What `--help` shows; where it depends on the other arguments, a function of them. */
  readonly help: string | ((args: readonly string[]) => string);
  /** Its own options; those of every command (`commonOptions`) are not among them. */
  readonly options: OptionKinds;
  /** @returns the exit status: 0, or 1 when a check failed. Unusable input is thrown as an InputError and becomes 2. */
  run(args: readonly string[]): Promise<number>;
}

/** A command before it is read: the list of all shows it, and only the one that runs is loaded. */
export interface CommandEntry {
  /** One line for the list of commands. */
  readonly summary: string;
  load(): Promise<Command>;
}
