/** `pag schedulers`: what there is to sample with. */
import { InputError } from '../tensor/errors.ts';
import type { ModelKind, SchedulerEntry } from '../schedulers/entry.ts';
import { schedulerDefaults, schedulers } from '../schedulers/registry.ts';
import type { Command } from './command.ts';
import { printResult } from './messages.ts';
import { readOptions, suggestion } from './options.ts';
import { samplerHint } from './sampler-names.ts';

const help = `pag schedulers [NAME]

Lists all schedulers, or shows one: its class in diffusers, where it comes from, and the keys of its
scheduler_config.json with their defaults.`;

const drives: Readonly<Record<ModelKind, string>> = {
  discrete: 'models of ε, x₀ or v at whole timesteps (most diffusion models)',
  edm: "models with EDM's preconditioning only: one of ε at whole timesteps is refused",
  flow: 'models of a flow only: one of ε at whole timesteps is refused',
  consistency: 'consistency models that are given 250 ln σ: one of ε at whole timesteps is refused',
  score: 'models of the score, given σ, only: one of ε at whole timesteps is refused',
  continuous: 'models of v in continuous time only: one of ε at whole timesteps is refused',
};

/** The command `pag schedulers`. */
export const schedulersCommand: Command = {
  help,
  options: {},
  async run(args) {
    const options = readOptions(args, {}, ['[NAME]']);
    const [name] = options.positionals;
    if (name === undefined) {
      const json = { schema: 1, schedulers: Object.entries(schedulers).map((one) => described(...one)) };
      printResult(options, { text: Object.values(schedulers).map(overview).join('\n'), json });
    } else {
      const found = schedulerOf(name);
      printResult(options, { text: page(...found), json: { schema: 1, ...described(...found) } });
    }
    return 0;
  },
};

function schedulerOf(name: string): readonly [className: string, entry: SchedulerEntry] {
  const found = Object.entries(schedulers).find(([className, { short }]) => className === name || short === name);
  const shorts = Object.values(schedulers).map(({ short }) => short);
  if (!found)
    throw new InputError(
      `there is no scheduler "${name}"${samplerHint(name) ?? suggestion(name, shorts)}; there are ${shorts.join(', ')}`,
    );
  return found;
}

/** For programs: what there is to know of a scheduler. */
function described(className: string, entry: SchedulerEntry): Readonly<Record<string, unknown>> {
  const { short, summary, source, kind, eta } = entry;
  const keys = schedulerDefaults(className);
  return { name: short, class: className, summary, source, kind, ...(eta !== undefined && { eta }), keys };
}

function overview({ short, summary }: SchedulerEntry): string {
  return `${short.padEnd(17)} ${summary}`;
}

function page(className: string, entry: SchedulerEntry): string {
  const { short, summary, source, kind } = entry;
  const keys = Object.entries(schedulerDefaults(className)).map(([key, value]) => `  ${key.padEnd(27)} ${text(value)}`);
  return `${short}: ${summary}

class     ${className} of diffusers
source    ${source}
drives    ${drives[kind]}${takes(entry)}

keys and their defaults:
${keys.join('\n')}`;
}

/** Which options of a run it has, a line each. */
function takes({ eta, own = {}, churns, strength }: SchedulerEntry): string {
  const withEnd = own.sigmas === 'steps and end' ? ', the last that of the result' : '';
  const lines = [
    ...(eta === undefined ? [] : [`eta       ${eta}: how much noise is added (--eta)`]),
    ...(own.timesteps ? ['timesteps your own: --timesteps'] : []),
    ...(own.sigmas ? [`sigmas    your own: --sigmas${withEnd}`] : []),
    ...(churns === 'sNoise' ? ['noise     its deviation: --s-noise'] : []),
    ...(strength ? ["strength  of --init: it has all the steps, spread over that part of the distillation's"] : []),
    ...(churns === true ? ['churn     noise on the way down: --s-churn, --s-tmin, --s-tmax, --s-noise'] : []),
  ];
  return lines.map((line) => `\n${line}`).join('');
}

/** As in a config; what JSON cannot say, as it is. */
function text(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
