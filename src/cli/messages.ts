/**
 * What a command says beside its result: results go to stdout, all else to stderr, and with `--log-file` into a file
 * too. What it quotes of files never reaches the terminal as a command.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { jsonText } from '../formats/json.ts';
import { oneLine, printable } from '../tensor/errors.ts';

/** Where the messages of a command go. */
export interface Messages {
  /** Says nothing on stderr. */
  readonly quiet: boolean;
  /** Keeps a line, beside what is said. */
  readonly log?: (line: string) => void;
}

const spoken: Messages = { quiet: false };
const current = new AsyncLocalStorage<Messages>();

/** Runs a command whose messages go there. */
export function withMessages<T>(messages: Messages, command: () => T): T {
  return current.run(messages, command);
}

/** Where the messages of the command that runs go. */
export function messagesNow(): Messages {
  return current.getStore() ?? spoken;
}

/** Says what is to be said, on stderr, a line each. */
export function warn(lines: readonly string[]): void {
  const { quiet, log } = messagesNow();
  for (const line of lines.map(oneLine)) {
    log?.(line);
    if (!quiet) process.stderr.write(`pag: ${line}\n`);
  }
}

/** What a command gives, for people and for programs. */
export interface Result {
  /** For people: its lines. */
  readonly text: string;
  /** For programs: a value of JSON. */
  readonly json: unknown;
  /** Whether the text is in colours: what it quotes is printable already. */
  readonly painted?: boolean;
  /** Whether stdout is taken by a file, as with `--out -`: the text is then a message. */
  readonly aside?: boolean;
}

/** Prints a result on stdout: as JSON where `--json` asks for it, else as text. */
export function printResult(
  options: { has(name: string): boolean },
  { text, json, painted = false, aside = false }: Result,
): void {
  const lines = text.split('\n');
  if (aside) {
    warn(lines);
    return;
  }
  const shown = painted ? text : lines.map(printable).join('\n');
  console.log(options.has('json') ? jsonText(json) : shown);
  messagesNow().log?.(shown);
}
