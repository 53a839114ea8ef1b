/** The models of a folder that are run by themselves: what each is given, and what its results are called. */
import { componentKinds } from '../formats/components.ts';
import { loadModelFiles, type ComponentKind, type ModelFiles } from '../formats/model-files.ts';
import type { FolderChoices } from '../formats/diffusers.ts';
import { located, type Located } from '../formats/hub-cache.ts';
import { folderReader } from '../formats/node-files.ts';
import { readJsonFile } from '../formats/read-file.ts';
import type { SafetensorsFile } from '../formats/safetensors.ts';
import { createAutoencoderKL, distributionOf } from '../models/autoencoder-kl/autoencoder-kl.ts';
import { createAutoencoderTiny } from '../models/autoencoder-tiny/autoencoder-tiny.ts';
import { createClipText, encodedFrom, encodedTaps } from '../models/clip-text/clip-text.ts';
import type { Model, ModelInput, Weights } from '../models/model.ts';
import type { PassOutput } from '../models/passes.ts';
import { createUNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { chooseLora, type LoraAdapter } from './lora.ts';
import { warn } from './messages.ts';
import { finiteTensor, folderChoices, loadModel, modelFolder, openSafetensors } from './model.ts';
import { readConditionInput, readModelInput, readTexts } from './model-input.ts';
import type { ParsedOptions } from './options.ts';

/** The names of models in a pipeline's folder. */
const componentNames = ['unet', 'text_encoder', 'text_encoder_2', 'vae.encoder', 'vae.decoder'] as const;

/** A model that is run once. */
export interface Component {
  readonly model: Model<unknown, object, unknown>;
  readonly input: object;
  /** The inner values that its results are made of. */
  readonly needs: readonly string[];
  /** Its results of one pass by their names; `sample` is what a perturbed pass has, too. */
  readonly results: (output: PassOutput) => Readonly<Record<string, Tensor>>;
}

/**
 * The model that --component names, with its input, which is in `inputFile`.
 * @throws InputError when the folder has none, or the file does not hold what it is given
 */
export async function loadComponent(options: ParsedOptions, inputFile: string, dtype: DType): Promise<Component> {
  const name = options.choice('component', componentNames) ?? 'unet';
  const file = await openSafetensors(inputFile);
  const { choices, report } = await chooseLora(options, dtype);
  const component = await componentOf(name, options, file, dtype, choices);
  report();
  return component;
}

async function componentOf(
  name: (typeof componentNames)[number],
  options: ParsedOptions,
  file: SafetensorsFile,
  dtype: DType,
  { adapt }: LoraAdapter['choices'],
): Promise<Component> {
  const inner = name.replace(/\..*/, '');
  const choices = { ...folderChoices(options), adapt: (_folder: string, weights: Weights) => adapt(inner, weights) };
  const found = await foundFor(options, inner, file, dtype, choices);
  if (name === 'unet') return unetOf(modelFolder(options), found);
  if (name === 'vae.encoder') return autoencoderOf('encoder', found);
  if (name === 'vae.decoder') return autoencoderOf('decoder', found);
  return textEncoderOf(found);
}

/** A UNet of pictures, or of pictures and texts. */
export interface UNetComponent extends Component {
  readonly model: Model<unknown, ModelInput, unknown>;
  readonly input: ModelInput;
}

/**
 * The UNet that --model names, with its input.
 * @throws InputError as `loadComponent`
 */
export async function loadUNet(options: ParsedOptions, file: SafetensorsFile, dtype: DType): Promise<UNetComponent> {
  return unetOf(modelFolder(options), await foundFor(options, 'unet', file, dtype, folderChoices(options)));
}

async function foundFor(
  options: ParsedOptions,
  inner: string,
  file: SafetensorsFile,
  dtype: DType,
  choices: Found['choices'],
): Promise<Found> {
  const folder = modelFolder(options);
  const place = await located(
    await folderReader(folder),
    folder,
    'model_index.json',
    'config.json',
    `${inner}/config.json`,
  );
  return { ...place, folder: await folderIn(place, inner), choices, dtype, file };
}

/** A model's folder within a place, and what it is to be given. */
interface Found extends Located {
  readonly folder: string;
  /** Of how its files are read. */
  readonly choices: FolderChoices;
  readonly dtype: DType;
  readonly file: SafetensorsFile;
}

/** `vae/`, or nothing where the folder is that of the model itself. */
async function folderIn({ readFile }: Located, inner: string): Promise<string> {
  const isBare =
    !(await readFile(`${inner}/config.json`, { first: 1 })) && (await readFile('config.json', { first: 1 }));
  return isBare ? '' : `${inner}/`;
}

async function classOf({ readFile, folder, source }: Found): Promise<unknown> {
  return (await readJsonFile(readFile, `${folder}config.json`, source))?.['_class_name'];
}

async function filesOf<Config>(found: Found, kind: ComponentKind<Config>): Promise<ModelFiles<Config>> {
  const { readFile, folder, source, choices } = found;
  const files = await loadModelFiles(readFile, folder, source, kind, choices);
  warn(files.warnings);
  return files;
}

const samples = ({ predictions }: PassOutput): Readonly<Record<string, Tensor>> => ({ sample: at(predictions, 0) });

async function unetOf(whole: string, found: Found): Promise<UNetComponent> {
  const { dtype, file, source, folder, choices } = found;
  if ((await classOf(found)) !== 'UNet2DConditionModel') {
    const { unet } = await loadModel(whole, dtype, choices);
    return { model: unet, input: readModelInput(file, unet), needs: [], results: samples };
  }
  const { config, weights } = await filesOf(found, componentKinds.UNet2DConditionModel);
  const unet = createUNetCondition(config, weights, dtype, `${source}/${folder}`);
  return { model: unet, input: readConditionInput(file, unet), needs: [], results: samples };
}

async function textEncoderOf(found: Found): Promise<Component> {
  const { config, weights } = await filesOf(found, componentKinds.CLIPTextModel);
  const model = createClipText(config, weights, found.dtype, `${found.source}/${found.folder}`);
  return {
    model,
    input: { inputIds: readTexts(found.file) },
    needs: encodedTaps(config),
    results(output) {
      const { lastHiddenState, pooled, textEmbeds, hiddenStates } = encodedFrom(config, output);
      const hidden = hiddenStates.map((each, i) => [`hidden.${i}`, each] as const);
      const whole = textEmbeds ? { text_embeds: textEmbeds } : { pooled };
      return { last_hidden_state: lastHiddenState, ...whole, ...Object.fromEntries(hidden) };
    },
  };
}

async function autoencoderOf(way: 'encoder' | 'decoder', found: Found): Promise<Component> {
  const { dtype, file, source, folder } = found;
  const input = { sample: finiteTensor(file, 'sample', dtype, 'N,C,H,W') };
  const className = await classOf(found);
  if (className === 'AutoencoderTiny') {
    const { config, weights } = await filesOf(found, componentKinds.AutoencoderTiny);
    const { [way]: model } = createAutoencoderTiny(config, weights, dtype, `${source}/${folder}`);
    const latents = ({ predictions }: PassOutput) => ({ latents: at(predictions, 0) });
    return { model, input, needs: [], results: way === 'encoder' ? latents : samples };
  }
  if (className !== undefined && className !== 'AutoencoderKL')
    throw new InputError(
      `${source}/${folder}config.json: the model is a ${shown(className)}; ` +
        'supported are "AutoencoderKL" and "AutoencoderTiny"',
    );
  const { config, weights } = await filesOf(found, componentKinds.AutoencoderKL);
  const { [way]: model } = createAutoencoderKL(config, weights, dtype, `${source}/${folder}`);
  const distribution = ({ predictions }: PassOutput) => ({ ...distributionOf(config, at(predictions, 0)) });
  return { model, input, needs: [], results: way === 'encoder' ? distribution : samples };
}
