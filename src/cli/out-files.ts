/** The files that a command writes: checked before the work, written after it. `-` is stdout. */
import { InputError } from '../tensor/errors.ts';
import { checkWritable, checkWritableFolder, placeOf, writeWhole } from '../formats/node-files.ts';
import type { ParsedOptions } from './options.ts';
import { checkPlaces, fixedFolder, isTemplate } from './out-template.ts';

/** What a file is written as: endings that say otherwise are refused, for they would be lies. */
const formats = {
  PNG: /\.(jpe?g|jfif|gif|webp|bmp|tiff?|avif|heic|jxl|svg|pdf|ppm|safetensors|npy)$/i,
  'PNG or GIF': /\.(jpe?g|jfif|webp|bmp|tiff?|avif|heic|jxl|svg|pdf|ppm|safetensors|npy|mp4|webm|mov)$/i,
  safetensors: /\.(npy|npz|pt|pth|pkl|ckpt|bin|gguf|onnx|h5|png|jpe?g|json)$/i,
  XML: /\.(html?|json|png)$/i,
  HTML: /\.(xml|json|png|pdf)$/i,
  JSON: /\.(xml|html?|png|pdf|safetensors)$/i,
} as const;

/** Whether the name means stdout. */
export function isStdout(file: string): boolean {
  return file === '-';
}

/**
 * The files that these options name.
 * @param kinds the options, and what is written into each file
 * @param many those that may name a file for each picture, by places as {seed}
 * @returns the names by their options, without those that are not given
 * @throws InputError when one cannot be written, is to be of another format, or when two are the same file
 */
export function chooseOutFiles<Name extends string>(
  options: ParsedOptions,
  kinds: Readonly<Record<Name, keyof typeof formats>>,
  many: readonly Name[] = [],
): { readonly [one in Name]?: string } {
  const names = Object.keys(kinds) as Name[];
  const given = names.flatMap((name) => {
    const file = options.text(name);
    return file === undefined ? [] : [{ name, option: `--${name}`, file, files: [file] }];
  });
  checkApart(given);
  for (const { name, option, file } of given)
    if (isStdout(file)) checkStdout(options, option, kinds[name]);
    else checkOutFile(option, file, kinds[name], many.includes(name));
  return Object.fromEntries(given.map(({ name, file }) => [name, file])) as { [one in Name]?: string };
}

/** The files that an option names. */
interface NamedFiles {
  readonly option: string;
  readonly files: readonly string[];
}

/** @throws InputError when two options name the same file */
export function checkApart(named: readonly NamedFiles[]): void {
  const namedBy = new Map<string, string>();
  for (const { option, files } of named)
    for (const file of files) {
      const place = isStdout(file) ? file : placeOf(file);
      const other = namedBy.get(place) ?? option;
      if (other !== option) throw new InputError(`${other} and ${option} name the same file, ${file}`);
      namedBy.set(place, option);
    }
}

/** @throws InputError when stdout is a terminal, or wanted for something else, too */
function checkStdout(options: ParsedOptions, option: string, format: keyof typeof formats): void {
  if (options.has('json')) throw new InputError(`${option} - and --json both want stdout; leave out one of them`);
  if (process.stdout.isTTY)
    throw new InputError(`${option} - would write ${format} to the terminal; send it on, as with | or >`);
}

/** @throws InputError for the name of another format, places that there are not, and where nothing can be written */
function checkOutFile(option: string, file: string, format: keyof typeof formats, mayBeMany: boolean): void {
  const [ending] = formats[format].exec(file) ?? [];
  if (ending !== undefined)
    throw new InputError(`${option} is ${file}, but ${format} is written, not ${ending}; name it otherwise`);
  if (mayBeMany) checkPlaces(option, file);
  else if (isTemplate(file)) throw new InputError(`${option} is ${file}, but one file is written; name it without {}`);
  if (isTemplate(file)) checkWritableFolder(fixedFolder(file));
  else checkWritable(file);
}

/** Writes a file whole or not at all, a text as UTF-8; `-` is stdout. @throws InputError when it cannot be written */
export function writeOut(file: string, content: Uint8Array | string): void {
  if (isStdout(file)) process.stdout.write(content);
  else writeWhole(file, content);
}
