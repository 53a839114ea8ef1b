/** `pag completion`: what a shell needs to complete commands, options and their values. */
import { guidanceNames } from '../guidance/registry/index.ts';
import { schedulers } from '../schedulers/registry.ts';
import { InputError } from '../tensor/errors.ts';
import { dtypes, fastKernels } from './backend.ts';
import type { Command, CommandEntry } from './command.ts';
import { printResult } from './messages.ts';
import { commonOptions, readOptions, suggestion } from './options.ts';

const help = `pag completion bash|zsh|fish

Prints a script that completes commands, options, and the names of guidances, schedulers, kernels and precisions:

  source <(pag completion bash)                               in ~/.bashrc
  source <(pag completion zsh)                                in ~/.zshrc, after compinit
  pag completion fish > ~/.config/fish/completions/pag.fish   once`;

type Commands = Readonly<Record<string, CommandEntry>>;

/** The command `pag completion`, for these commands. */
export function completionCommand(commands: Commands): Command {
  return { help, options: {}, run: (args) => run(args, commands) };
}

async function run(args: readonly string[], commands: Commands): Promise<number> {
  const options = readOptions(args, {}, ['SHELL']);
  const [shell] = options.positionals;
  const write = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
  if (!write) {
    const names = Object.keys(shells);
    throw new InputError(`there is no completion for "${shell}"${suggestion(shell, names)}; expected bash, zsh, fish`);
  }
  const table = await completions(commands);
  printResult(options, { text: write(table), json: { schema: 1, commands: table, values } });
  return 0;
}

/** What an option may be followed by, where that is one of a few words. Of others shells offer files. */
const values: Readonly<Record<string, readonly string[]>> = {
  guidance: guidanceNames,
  scheduler: Object.values(schedulers).map(({ short }) => short),
  dtype: dtypes,
  'noise-dtype': dtypes,
  kernels: ['definition', 'reference', ...fastKernels],
  'sigma-spacing': ['karras', 'exponential', 'beta'],
  'inpaint-method': ['replace', 'repaint'],
};

/** A command as a shell completes it. */
interface Completed {
  readonly summary: string;
  /** Options that take a value, with their dashes. */
  readonly valued: readonly string[];
  /** Options that take none. */
  readonly flags: readonly string[];
  /** What it may be followed by that is no option. */
  readonly words: readonly string[];
}
type Completions = Readonly<Record<string, Completed>>;

const words: Readonly<Record<string, readonly string[]>> = {
  guidances: guidanceNames,
  schedulers: Object.values(schedulers).map(({ short }) => short),
  completion: ['bash', 'zsh', 'fish'],
};

async function completions(commands: Commands): Promise<Completions> {
  const table: Record<string, Completed> = {};
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const kinds = Object.entries({ ...(await load()).options, ...commonOptions });
    const ofKind = (isFlag: boolean): readonly string[] =>
      kinds.flatMap(([option, kind]) => ((kind === 'flag') === isFlag ? [`--${option}`] : []));
    table[name] = { summary, valued: ofKind(false), flags: ofKind(true), words: words[name] ?? [] };
  }
  const none = { valued: [], flags: [], words: [] };
  return { ...table, help: { ...none, summary: 'tells more of a command', words: Object.keys(commands) } };
}

const shells: Readonly<Record<string, (table: Completions) => string>> = { bash, zsh, fish };

/** A line of a `case` of the shell for each option whose values are known. */
function valueCases(line: (option: string, words: string) => string): string {
  return Object.entries(values)
    .map(([option, listed]) => line(option, listed.join(' ')))
    .join('\n');
}

function bash(table: Completions): string {
  const cases = Object.entries(table).map(
    ([name, { valued, flags, words: listed }]) =>
      `    ${name}) options="${[...valued, ...flags].join(' ')}"; words="${listed.join(' ')}" ;;`,
  );
  return `# bash completion for pag: source <(pag completion bash)
_pag() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} options= words=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "${Object.keys(table).join(' ')} --version --help" -- "$current"))
    return
  fi
  case $previous in
${valueCases((option, listed) => `    --${option}) COMPREPLY=($(compgen -W "${listed}" -- "$current")); return ;;`)}
  esac
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) [ -z "$words" ] || COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _pag pag`;
}

function zsh(table: Completions): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const cases = Object.entries(table).map(
    ([name, { valued, flags, words: listed }]) =>
      `    ${name}) options=(${[...valued, ...flags].join(' ')}); words_of=(${listed.join(' ')}) ;;`,
  );
  const described = Object.entries(table).map(([name, { summary }]) => `      ${quoted(`${name}:${summary}`)}`);
  return `#compdef pag
# zsh completion for pag: source <(pag completion zsh)
_pag() {
  local -a options words_of described
  if (( CURRENT == 2 )); then
    described=(
${described.join('\n')}
    )
    _describe 'command' described
    compadd -- --version --help
    return
  fi
  case $words[CURRENT-1] in
${valueCases((option, listed) => `    --${option}) compadd -- ${listed}; return ;;`)}
  esac
  case $words[2] in
${cases.join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    compadd -- $options
  elif (( $#words_of )); then
    compadd -- $words_of
  else
    _files
  fi
}
compdef _pag pag`;
}

function fish(table: Completions): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const first = Object.entries(table).map(
    ([name, { summary }]) => `complete -c pag -n __fish_use_subcommand -f -a ${name} -d ${quoted(summary)}`,
  );
  const options = Object.entries(table).flatMap(([name, { valued, flags, words: listed }]) => {
    const seen = `complete -c pag -n '__fish_seen_subcommand_from ${name}'`;
    return [
      ...valued.map((option) => {
        const known = values[option.slice(2)];
        return `${seen} -l ${option.slice(2)} -r${known ? ` -f -a ${quoted(known.join(' '))}` : ''}`;
      }),
      ...flags.map((option) => `${seen} -l ${option.slice(2)}`),
      ...(listed.length > 0 ? [`${seen} -f -a ${quoted(listed.join(' '))}`] : []),
    ];
  });
  return [
    '# fish completion for pag: pag completion fish > ~/.config/fish/completions/pag.fish',
    'complete -c pag -n __fish_use_subcommand -l version',
    ...first,
    ...options,
  ].join('\n');
}
