/** The options of the command line that choose and set a guidance: all that the registry of guidances offers. */
import { InputError } from '../tensor/errors.ts';
import type { SlopeAt } from '../guidance/classifier.ts';
import type { Guidance } from '../guidance/guidance.ts';
import type { Parameter } from '../guidance/parameters.ts';
import { unknownGuidance } from '../guidance/registry/create.ts';
import {
  commonParameters,
  createGuidance,
  guidanceNames,
  guidances,
  parametersOf,
  type ClassifierKind,
  type GuidanceContext,
} from '../guidance/registry/index.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { tryExpressions } from './expressions.ts';
import { defaultText, expectedText, readParameter } from './guidance-parameters.ts';
import { suggestion, type OptionKinds, type ParsedOptions } from './options.ts';
import { flagOf, optionOf } from './words.ts';

/** All options of all guidances, and those that choose among them. */
export const guidanceOptions: OptionKinds = {
  guidance: 'text',
  'null-label': 'number',
  ...Object.fromEntries(
    guidanceNames.flatMap(parametersOf).map((parameter) => [optionOf(parameter.name), 'text' as const]),
  ),
};

/** The part of a command's help that explains the most used of them. */
export const guidanceHelp = `  --guidance NAME                 how to guide (none): ${listedNames()}
                                  each has options of its own: pag guidances NAME shows them
  --null-label L                  the class label that means "no class"
  --guidance-scale G              of cfg: 1 is unguided (7.5)
  --pag-scale S                   of pag: 0 is unguided (3)
  --pag-adaptive-scale A          of pag: the scale falls with time, S - A(1000 - t), not below 0 (0)
  --pag-layers SEL[,SEL...]       of pag: which self-attention layers are perturbed (mid); mid_block, down_blocks.1,
                                  up_blocks.0.attentions.1, their short forms mid, down.block_1, or re:EXPRESSION
  --guidance-rescale PHI          0 to 1: how far the guided prediction takes the deviation of the unguided one (0)`;

function listedNames(): string {
  return wrap(guidanceNames.join(', '), 60, 34);
}

/** What --guidance names, whether there is such a guidance or not. */
export function guidanceName(options: ParsedOptions): string {
  return options.text('guidance') ?? 'none';
}

/** The kind of classifier that the guidance follows which --guidance names; undefined where it follows none. */
export function followedClassifier(options: ParsedOptions): ClassifierKind | undefined {
  const name = guidanceName(options);
  return Object.hasOwn(guidances, name) ? guidances[name]?.classifier : undefined;
}

/**
 * Refuses classifier guidance where no option names a classifier.
 * @param where as the message names it
 * @throws InputError for it
 */
export function refuseClassifier(options: ParsedOptions, where: string): void {
  if (followedClassifier(options) !== undefined)
    throw new InputError(
      `--guidance ${guidanceName(options)} does not go with ${where}: ` +
        'classifiers guide pag sample and pag evaluate, with labels; give another --guidance',
    );
}

/** What the options say of a guidance, whatever the model is. */
export interface GivenGuidance {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** The values that are given, by the parameters' names. */
  readonly values: readonly (readonly [string, ReturnType<typeof readParameter>])[];
}

/**
 * The guidance that is named, and what is given of its parameters.
 * @throws InputError for a name that there is not, and for values out of range
 */
export function givenGuidance(options: ParsedOptions): GivenGuidance {
  const name = guidanceName(options);
  if (!guidanceNames.includes(name))
    throw new InputError(
      `--guidance is "${name}"; expected ${guidanceNames.join(', ')}${suggestion(name, guidanceNames)}`,
    );
  const parameters = parametersOf(name);
  const values = parameters.flatMap((parameter) => {
    const text = options.text(optionOf(parameter.name));
    return text === undefined ? [] : [[parameter.name, readParameter(parameter, text)] as const];
  });
  return { name, parameters, values };
}

/**
 * The guidance that the options choose, for this model.
 * @param context what it must know besides of the model
 * @throws InputError for values out of range, and for options that the chosen guidance does not have
 */
export function chooseGuidance(
  options: ParsedOptions,
  attentionLayers: readonly string[],
  context: Omit<GuidanceContext, 'attentionLayers'>,
): Guidance {
  const { name, parameters, values } = givenGuidance(options);
  for (const option of Object.keys(guidanceOptions)) {
    const isOwn =
      option === 'guidance' ||
      option === 'null-label' ||
      parameters.some((parameter) => optionOf(parameter.name) === option);
    if (options.has(option) && !isOwn)
      throw new InputError(`--${option} has no effect with --guidance ${name}; ${wayOut(name)}`);
  }
  const selectors = values
    .flatMap(([, value]) => (Array.isArray(value) ? value : []))
    .filter((item): item is string => typeof item === 'string');
  tryExpressions(selectors, [...attentionLayers, ...(context.crossAttentionLayers ?? [])]);
  return createGuidance(name, Object.fromEntries(values), { attentionLayers, ...context });
}

function wayOut(name: string): string {
  if (name === 'none') return 'give --guidance pag, or another of pag guidances';
  return `pag guidances ${name} shows what has`;
}

/**
 * The guidance that the options choose, for a UNet2DModel.
 * @param beside it: a worse model, and where a classifier pulls, where there are such
 * @throws InputError as `chooseGuidance`
 */
export function chooseUNetGuidance(
  options: ParsedOptions,
  unet: UNet,
  beside: { readonly weak?: UNet | undefined; readonly slopeAt?: SlopeAt | undefined } = {},
): Guidance {
  const { weak, slopeAt } = beside;
  return chooseGuidance(options, unet.attentionLayers, {
    hasNullCondition: unet.config.classEmbedding !== 'none' && options.has('null-label'),
    hasWeakModel: weak !== undefined,
    ...(slopeAt && { slopeAt }),
  });
}

/**
 * All that there is to know of one guidance, in lines of at most 120 columns.
 * @throws InputError when there is none of this name
 */
export function guidancePage(name: string): string {
  const entry = Object.hasOwn(guidances, name) ? guidances[name] : undefined;
  if (!entry) throw unknownGuidance(name, guidanceNames);
  const { summary, formula, source, parameters, classifier } = entry;
  const follows =
    classifier === undefined
      ? ''
      : `\n\n  p is that of --${classifier}-classifier, asked for --classifier-labels: pag sample --help`;
  const list = (parameters: readonly Parameter[]): string => parameters.map(parameterHelp).join('\n');
  return `${wrap(`${name}: ${summary}`, 119, 4)}

  ${wrap(formula, 117, 4)}${follows}

  from ${wrap(source, 112, 7)}
${parameters.length > 0 ? `\n${list(parameters)}\n` : ''}
of any guidance:
${list(commonParameters)}`;
}

/** The page of the guidance that the arguments of a command choose, to be read after its help; empty without one. */
export function chosenPage(args: readonly string[]): string {
  const written = '--guidance=';
  const name = args
    .flatMap((arg, i) => {
      if (arg === '--guidance') return args.slice(i + 1, i + 2);
      return arg.startsWith(written) ? [arg.slice(written.length)] : [];
    })
    .at(-1);
  return name !== undefined && guidanceNames.includes(name) ? `\n\n${guidancePage(name)}` : '';
}

function parameterHelp(parameter: Parameter): string {
  const indent = 28;
  const text = [parameter.summary, `${expectedText(parameter)} (${defaultText(parameter)})`].map((line) =>
    wrap(line, 119 - indent, indent),
  );
  return `  ${flagOf(parameter.name).padEnd(indent - 2)}${text.join(`\n${' '.repeat(indent)}`)}`;
}

/** Breaks a text at spaces so that no line is longer than `width`; further lines are indented. */
export function wrap(text: string, width: number, indent: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > width) lines.push(word);
    else lines[lines.length - 1] = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`;
  }
  return lines.join(`\n${' '.repeat(indent)}`);
}
