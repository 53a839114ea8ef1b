/** All commands, and what is made of their ends: a status, and for an error of input one line. */
import { InputError } from '../tensor/errors.ts';
import type { Command } from './command.ts';
import { benchCommand } from './bench/command.ts';
import { casesCommand } from './cases.ts';
import { checkCommand } from './check.ts';
import { evaluateCommand } from './evaluate.ts';
import { exportCommand } from './export.ts';
import { forwardCommand } from './forward.ts';
import { gradientCommand } from './gradient.ts';
import { guidancesCommand } from './guidances.ts';
import { suggestion } from './options.ts';
import { sampleCommand } from './sample.ts';
import { schedulersCommand } from './schedulers.ts';
import { tokensCommand } from './tokens.ts';
import { trainCommand } from './train.ts';
import { walkthroughCommand } from './walkthrough.ts';

const commands: Readonly<Record<string, Command>> = {
  sample: sampleCommand,
  forward: forwardCommand,
  gradient: gradientCommand,
  train: trainCommand,
  tokens: tokensCommand,
  guidances: guidancesCommand,
  schedulers: schedulersCommand,
  walkthrough: walkthroughCommand,
  evaluate: evaluateCommand,
  bench: benchCommand,
  cases: casesCommand,
  export: exportCommand,
  check: checkCommand,
};

/**
 * Runs what the arguments say, the first of which names the command.
 * @returns the exit status
 * @throws InputError for unusable input
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(help());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    const names = Object.keys(commands);
    throw new InputError(`unknown command "${name}"${suggestion(name, names)}; there are ${names.join(', ')}`);
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    console.log(typeof command.help === 'string' ? command.help : command.help(rest));
    return 0;
  }
  return command.run(rest);
}

/**
 * Exit status and message for what a command threw: 2 for unusable input and for want of memory; anything else is an
 * error of ours, says so, and has the status 70 (EX_SOFTWARE of sysexits.h).
 */
export function explain(error: unknown): { status: number; message: string } {
  if (error instanceof InputError) return { status: 2, message: error.message };
  const text = error instanceof Error ? error.message : String(error);
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

pag COMMAND --help tells more.`;
}
