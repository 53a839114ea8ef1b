/** `pag guidances`: what there is to guide with. */
import { InputError } from '../tensor/errors.ts';
import { guidanceNames, guidances, type GuidanceEntry } from '../guidance/registry/index.ts';
import type { Command } from './command.ts';
import { guidancePage, wrap } from './guidance-options.ts';
import { defaultText } from './guidance-parameters.ts';
import { printResult } from './messages.ts';
import { readOptions, suggestion } from './options.ts';
import { flagOf } from './words.ts';

const help = `pag guidances [NAME]

Lists all guidances with their formulas and defaults, or shows one with its options and where it comes from:
${wrap(`${guidanceNames.join(', ')}.`, 119, 0)}

  g, s    scales            c, ∅    with the condition that is asked for, and without
  ε       what the model predicts (noise, v, or the picture)
  ε̂       what it predicts with its attention perturbed`;

/** The command `pag guidances`. */
export const guidancesCommand: Command = {
  help: (args) => {
    const name = args.find((arg) => guidanceNames.includes(arg));
    return name === undefined ? help : guidancePage(name);
  },
  options: {},
  async run(args) {
    const options = readOptions(args, {}, ['[NAME]']);
    const [name] = options.positionals;
    if (name !== undefined && !guidanceNames.includes(name)) {
      throw new InputError(
        `there is no guidance "${name}"${suggestion(name, guidanceNames)}; there are ${guidanceNames.join(', ')}`,
      );
    }
    const overviews = Object.entries(guidances).map(([each, entry]) => overview(each, entry));
    printResult(options, {
      text: name === undefined ? overviews.join('\n') : guidancePage(name),
      json: name === undefined ? { schema: 1, guidances } : { schema: 1, name, ...guidances[name] },
    });
    return 0;
  },
};

function overview(name: string, { summary, formula, parameters }: GuidanceEntry): string {
  const indent = Math.max(...guidanceNames.map((each) => each.length)) + 2;
  const defaults = parameters.map((parameter) => `${flagOf(parameter.name)}=${defaultText(parameter)}`).join(' ');
  const lines = [summary, formula, defaults]
    .filter((line) => line !== '')
    .map((line) => wrap(line, 119 - indent, indent));
  return `${name.padEnd(indent)}${lines.join(`\n${' '.repeat(indent)}`)}`;
}
