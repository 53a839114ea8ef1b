/** `--lora`: files of LoRA that are merged into the weights as they are loaded. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FolderChoices } from '../formats/diffusers.ts';
import { loadLora, loraParts, readLora, type Lora } from '../formats/lora.ts';
import { folderReader } from '../formats/node-files.ts';
import { mergeLora, type ScaledLora } from '../models/lora.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import type { DType } from '../tensor/tensor.ts';
import { warn } from './messages.ts';
import { folderChoices, loadModel, modelFolder, openSafetensors, type LoadedModel } from './model.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

/** The option. */
export const loraOptions: OptionKinds = { lora: 'text' };

/** The part of a command's help that explains it. */
export const loraHelp = `\
  --lora DIR|FILE[:SCALE][,...]   LoRAs that are merged into the weights, each as far as its scale says (1): a folder
                                  with pytorch_lora_weights.safetensors, or a file of diffusers or Kohya's scripts`;

/** A LoRA, and how much of it. */
interface ChosenLora {
  readonly lora: Lora;
  readonly scale: number;
}

/** What `--lora` does to a model that is loaded. */
export interface LoraAdapter {
  /** For the loading of a model: merges the LoRAs into the weights of its parts. */
  readonly choices: { readonly adapt: NonNullable<FolderChoices['adapt']> };
  /**
   * Once all is loaded: says which updates belong to no module of the model.
   * @throws InputError for a LoRA none of whose updates does
   */
  report(): void;
}

/**
 * The LoRAs that the options choose.
 * @param dtype the precision of the model, to which merged weights are rounded, once
 * @throws InputError when a file cannot be read or is no LoRA, or a scale is no number
 */
export async function chooseLora(options: ParsedOptions, dtype: DType): Promise<LoraAdapter> {
  const chosen = await Promise.all((options.list('lora') ?? []).map(openLora));
  for (const { lora } of chosen) warn(lora.warnings);
  const left = chosen.map(({ lora }) => new Map(loraParts.map((part) => [part, lora.updates[part].map(nameOf)])));
  const adapt: NonNullable<FolderChoices['adapt']> = (part, weights) => {
    const known = loraParts.find((one) => one === part);
    if (!known || chosen.length === 0) return weights;
    const loras = chosen.map(
      ({ lora, scale }): ScaledLora => ({ source: lora.source, updates: lora.updates[known], scale }),
    );
    const merged = mergeLora(weights, loras, dtype);
    for (const [i, names] of merged.unmatched.entries()) at(left, i).set(known, [...names]);
    return merged.weights;
  };
  return {
    choices: { adapt },
    report() {
      chosen.forEach(({ lora }, i) => {
        const names = loraParts.flatMap((part) => at(left, i).get(part) ?? []);
        const all = loraParts.flatMap((part) => lora.updates[part]).length;
        if (names.length === all) throw new InputError(`${lora.source}: ${unmatchedText(names, all)}`);
        if (names.length > 0) warn([`${lora.source}: ${unmatchedText(names, all)}`]);
      });
    },
  };
}

/**
 * The model that the options name, a UNet2DModel, with the LoRAs that they choose merged into it.
 * @throws InputError as `loadModel` and `chooseLora` do
 */
export async function loadWithLora(options: ParsedOptions, dtype: DType): Promise<LoadedModel> {
  const lora = await chooseLora(options, dtype);
  const loaded = await loadModel(modelFolder(options), dtype, { ...folderChoices(options), ...lora.choices });
  lora.report();
  return loaded;
}

const nameOf = ({ name }: { readonly name: string }): string => name;

/** One line about updates that belong to no module. */
function unmatchedText(names: readonly string[], all: number): string {
  const shown = names.slice(0, 3).map((name) => JSON.stringify(name));
  const more = names.length > shown.length ? ', …' : '';
  return `${names.length} of ${all} updates belong to no module of the model: ${shown.join(', ')}${more}`;
}

/** `FILE`, `FILE:0.7`, `DIR:-1`. */
async function openLora(text: string): Promise<ChosenLora> {
  const [, path = text, number] = /^(.+):([^:/\\]*)$/.exec(text) ?? [];
  const scale = number === undefined ? 1 : Number(number);
  if (number !== undefined && (number.trim() === '' || !Number.isFinite(scale)))
    throw new InputError(`--lora is "${text}"; expected a finite number behind the colon, as ${basename(path)}:0.8`);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const lora = isFolder ? await loadLora(await folderReader(path), path) : readLora(await openSafetensors(path));
  return { lora, scale };
}
