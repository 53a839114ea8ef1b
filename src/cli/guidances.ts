/** `pag guidances`: what there is to guide with. */
import { InputError } from '../tensor/errors.ts';
import { guidanceNames, guidances } from '../guidance/registry.ts';
import type { Command } from './command.ts';
import { guidancePage } from './guidance-options.ts';
import { suggestion } from './options.ts';

const help = `pag guidances [NAME]

Lists all guidances with their formulas, or shows one with its options and where it comes from.`;

export const guidancesCommand: Command = {
  summary: 'lists the guidances, their formulas and defaults',
  help,
  async run(args) {
    const [name] = args;
    if (args.length > 1) throw new InputError(`"${args[1]}" is one argument too many`);
    if (name !== undefined && !guidanceNames.includes(name)) {
      throw new InputError(`there is no guidance "${name}"${suggestion(name, guidanceNames)}; there are ${guidanceNames.join(', ')}`);
    }
    console.log(name === undefined ? guidanceNames.map(overview).join('\n') : guidancePage(name));
    return 0;
  },
};

function overview(name: string): string {
  return `${name.padEnd(14)} ${guidances[name].summary}\n${' '.repeat(15)}${guidances[name].formula}`;
}
