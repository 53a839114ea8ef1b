/** All commands, and what is made of their ends: a status, and for an error of input one line. */
import { InputError, messageOf } from '../tensor/errors.ts';
import type { Command, CommandEntry } from './command.ts';
import { logTo } from './log-file.ts';
import { withMessages } from './messages.ts';
import { readCommon, suggestion } from './options.ts';
import { version } from './version.ts';
import { withCommandWords } from './words.ts';

/** Each is loaded when it is asked for: `pag --help` waits for none of them. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  sample: { summary: 'draws pictures', load: async () => (await import('./sample.ts')).sampleCommand },
  again: {
    summary: 'draws a picture again from what it carries of its run',
    load: async () => (await import('./again.ts')).againCommand,
  },
  forward: { summary: 'runs a model once, with taps', load: async () => (await import('./forward.ts')).forwardCommand },
  gradient: {
    summary: 'derives the error of a model for all its parameters',
    load: async () => (await import('./gradient.ts')).gradientCommand,
  },
  restore: {
    summary: 'restores a damaged picture',
    load: async () => (await import('./restore.ts')).restoreCommand,
  },
  train: { summary: 'trains a model', load: async () => (await import('./train.ts')).trainCommand },
  tokens: {
    summary: 'shows the tokens of a prompt',
    load: async () => (await import('./tokens.ts')).tokensCommand,
  },
  guidances: {
    summary: 'lists the guidances, their formulas and defaults',
    load: async () => (await import('./guidances.ts')).guidancesCommand,
  },
  schedulers: {
    summary: 'lists the schedulers, their sources and keys',
    load: async () => (await import('./schedulers.ts')).schedulersCommand,
  },
  walkthrough: {
    summary: 'a page that computes PAG while you read',
    load: async () => (await import('./walkthrough.ts')).walkthroughCommand,
  },
  evaluate: {
    summary: 'draws many pictures and measures how good they are',
    load: async () => (await import('./evaluate.ts')).evaluateCommand,
  },
  bench: {
    summary: 'measures the kernels and a model on this machine',
    load: async () => (await import('./bench/command.ts')).benchCommand,
  },
  cases: {
    summary: 'lists the cases that a port can be checked with',
    load: async () => (await import('./cases.ts')).casesCommand,
  },
  export: {
    summary: 'writes a case as files for a port, with a guide',
    load: async () => (await import('./export.ts')).exportCommand,
  },
  check: {
    summary: 'checks what a port computed, and names its mistake',
    load: async () => (await import('./check.ts')).checkCommand,
  },
  completion: {
    summary: 'completes commands and options in bash, zsh and fish',
    load: async () => (await import('./completion.ts')).completionCommand(commands),
  },
};

/**
 * Runs what the arguments say, the first of which names the command.
 * @returns the exit status
 * @throws InputError for unusable input
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-V') return print(version());
  if (name === 'help' && rest[0] !== undefined) return showHelp(await commandNamed(rest[0]), rest.slice(1));
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    print(help());
    return name === undefined ? 2 : 0;
  }
  const command = await commandNamed(name);
  if (rest.includes('--help') || rest.includes('-h')) return showHelp(command, rest);
  const { quiet, logFile } = readCommon(rest, command.options);
  const running = () => withCommandWords(command.options, () => command.run(rest));
  if (logFile === undefined) return withMessages({ quiet }, running);
  const log = logTo(logFile);
  log(`pag ${version()}: ${JSON.stringify(args)}`);
  return withMessages({ quiet, log }, () => logEnd(log, running()));
}

/** Keeps how the command ended, too. */
async function logEnd(log: (line: string) => void, running: Promise<number>): Promise<number> {
  try {
    const status = await running;
    log(`ended with status ${status}`);
    return status;
  } catch (error) {
    const { status, message } = explain(error);
    log(`ended with status ${status}: ${message}`);
    throw error;
  }
}

async function commandNamed(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry) return entry.load();
  const names = Object.keys(commands);
  throw new InputError(`unknown command "${name}"${suggestion(name, names)}; there are ${names.join(', ')}`);
}

function showHelp({ help: text }: Command, args: readonly string[]): number {
  return print(typeof text === 'string' ? text : text(args));
}

function print(text: string): number {
  console.log(text);
  return 0;
}

/**
 * Exit status and message for what a command threw: 2 for unusable input and for want of memory; anything else is an
 * error of ours, says so, and has the status 70 (EX_SOFTWARE of sysexits.h).
 */
export function explain(error: unknown): { status: number; message: string } {
  if (error instanceof InputError) return { status: 2, message: error.message };
  const text = messageOf(error);
  if (error instanceof RangeError && /memory|allocation failed|array (buffer )?length|string length/i.test(text)) {
    return { status: 2, message: `there is not enough memory (${text}); ask for fewer or smaller samples at a time` };
  }
  return {
    status: 70,
    message: `an error of pag itself, please report it: ${error instanceof Error ? error.stack : text}`,
  };
}

function help(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(12)} ${summary}`);
  return `pag: Perturbed-Attention Guidance, on the CPU

${lines.join('\n')}

All of them take
  --json                 prints the result as JSON
  --quiet                says nothing on stderr but what went wrong
  --log-file FILE        keeps all that is said in this file, too, with the time

pag COMMAND --help or pag help COMMAND tells more, pag --version says which pag this is.
Where a file is to be written, - is stdout.`;
}
