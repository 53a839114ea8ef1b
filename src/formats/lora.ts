/**
 * Files of LoRA: as diffusers' `save_lora_weights` writes them today (PEFT's names) and wrote them before, and as
 * Kohya's scripts do. What is no LoRA, or a kind of it that is not supported, is refused by name.
 */
import { adapterHint } from '../models/adapters.ts';
import type { LoraUpdate } from '../models/lora.ts';
import { mustBe } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { unreadText } from './diffusers-weights.ts';
import { jsonObject, readJsonFile, type ReadFile } from './read-file.ts';
import { readNumbers, readSafetensors, readTensor, type SafetensorsFile } from './safetensors.ts';

/** The models that a LoRA may update. */
export const loraParts = ['unet', 'text_encoder', 'text_encoder_2'] as const;
/** One of them. */
export type LoraPart = (typeof loraParts)[number];

/** The updates of a file, model by model. */
export interface Lora {
  /** The file's name, for messages. */
  readonly source: string;
  readonly updates: Readonly<Record<LoraPart, readonly LoraUpdate[]>>;
  /** What is to be said of the file, one line each. */
  readonly warnings: readonly string[];
}

/** What a folder calls its LoRA. */
const fileName = 'pytorch_lora_weights.safetensors';

/**
 * The LoRA of a folder: its `pytorch_lora_weights.safetensors`.
 * @param source the folder's name, for messages
 * @throws InputError when there is none, or `readLora` refuses it
 */
export async function loadLora(readFile: ReadFile, source: string): Promise<Lora> {
  const file = await readSafetensors(readFile, fileName, `${source}/${fileName}`);
  if (file) return readLora(file);
  const config = await readJsonFile(readFile, 'config.json', source);
  const kind = config?.['_class_name'] ?? (await readJsonFile(readFile, 'model_index.json', source))?.['_class_name'];
  const found = typeof kind === 'string' ? `; it is a ${kind}${adapterHint(kind)}` : '';
  const listed = (await readFile.list?.('')) ?? [];
  const files = listed.filter((name) => name.endsWith('.safetensors'));
  const hint = files.length > 0 ? `; a file is given by its own name: ${files.slice(0, 3).join(', ')}` : '';
  throw new InputError(`${source}: there is no ${fileName}${found || hint}`);
}

/** Tensors of what is not supported, and what they say of the file. */
const foreign: readonly (readonly [RegExp, string])[] = [
  [/dora_scale|lora_magnitude_vector/, 'DoRA'],
  [/hada_/, 'LoHa'],
  [/lokr_/, 'LoKr'],
  [/lora_mid/, 'a LoCon with a middle matrix (Tucker decomposition)'],
  [/(^|[._])(oft|boft)_/, 'OFT'],
  [/\.diff(_b)?$/, 'whole differences of weights'],
  [/lora_(B|up)(\.\w+)?\.bias$/, 'a LoRA with biases'],
  [/lora_embedding_/, 'a LoRA of embeddings'],
  [/motion_modules|motion_module/, 'of AnimateDiff'],
  [/^(image_proj|ip_adapter)\.|(^|\.)image_proj_model\./, 'an IP-Adapter'],
  [/controlnet|control_model|input_hint_block|zero_conv/, 'a ControlNet'],
  [/^(transformer|lora_transformer|diffusion_model)[._]/, 'a LoRA of a transformer'],
];

/** What a tensor of a LoRA is: the update of which module, and which part of it. */
interface Key {
  readonly part: LoraPart;
  readonly module: string;
  readonly role: 'down' | 'up' | 'alpha';
}

/** What tensors of an update are called behind the module's path; the first and second group are module and role. */
const endings: readonly RegExp[] = [
  /^(.*)\.lora_(A|B)(?:\.\w+)?\.weight$/,
  /^(.*)\.lora(?:_linear_layer)?\.(down|up)\.weight$/,
  /^(.*_lora)\.(down|up)\.weight$/,
  /^(.*)\.lora_(down|up)\.weight$/,
  /^(.*)\.(alpha)$/,
];
const roles: Readonly<Record<string, Key['role']>> = { A: 'down', B: 'up', down: 'down', up: 'up', alpha: 'alpha' };

/** What stands before the module's path, of which model it is. */
const beginnings: readonly (readonly [RegExp, LoraPart])[] = [
  [/^(?:text_encoder_2\.|lora_te2_)/, 'text_encoder_2'],
  [/^(?:text_encoder\.|lora_te1?_)/, 'text_encoder'],
  [/^(?:unet\.|lora_unet_|base_model\.model\.)?/, 'unet'],
];

/** Undefined for a name of another kind. */
function keyOf(name: string): Key | undefined {
  for (const ending of endings) {
    const [, path, word = ''] = ending.exec(name) ?? [];
    const role = roles[word];
    if (path === undefined || !role) continue;
    const [beginning, part] = beginnings.find(([pattern]) => pattern.test(path)) ?? [/^/, 'unet' as const];
    return { part, module: currentModule(path.replace(beginning, '')), role };
  }
  return undefined;
}

/** The module's path as diffusers has it today: no processors between, no `text_model` before. */
function currentModule(path: string): string {
  const projections: Readonly<Record<string, string>> = { to_out: 'to_out.0' };
  return path
    .replace(/^text_model[._]/, '')
    .replace(/\.self_attn\.to_(q|k|v|out)_lora$/, '.self_attn.$1_proj')
    .replace(/(?:\.processor)?\.(to_[qkv]|to_out)_lora$/, (_whole, name: string) => `.${projections[name] ?? name}`);
}

/** The tensors of one update, by what they are called. */
type Group = { readonly [role in Key['role']]?: string };

/**
 * The updates that a file holds.
 * @throws InputError when it holds what is not supported, no LoRA at all, or half an update
 */
export function readLora(file: SafetensorsFile): Lora {
  aFile('the file', file);
  const { source } = file;
  refuseForeign(file);
  const groups = new Map<string, { key: Key; group: Group }>();
  const unread: string[] = [];
  for (const name of file.entries.keys()) {
    const key = keyOf(name);
    if (!key) {
      unread.push(name);
      continue;
    }
    const id = `${key.part} ${key.module}`;
    const group: Group = groups.get(id)?.group ?? {};
    if (group[key.role]) throw new InputError(`${source}: "${name}" and "${group[key.role]}" are one and the same`);
    groups.set(id, { key, group: { ...group, [key.role]: name } });
  }
  const alphas = adapterAlphas(file);
  const updates: Record<LoraPart, LoraUpdate[]> = { unet: [], text_encoder: [], text_encoder_2: [] };
  for (const { key, group } of groups.values()) updates[key.part].push(updateOf(file, key, group, alphas));
  if (groups.size === 0) {
    const first = unread[0] === undefined ? 'it is empty' : `it begins with "${unread[0]}"`;
    throw new InputError(`${source} holds no LoRA: ${first}; expected names as unet.….lora_A.weight or lora_unet_…`);
  }
  return { source, updates, warnings: unread.length > 0 ? [`${source}: ${unreadText(unread)}`] : [] };
}

const aFile = mustBe('a file, as readSafetensors gives it', (value) => Object(value as object).entries instanceof Map);

function refuseForeign({ source, entries, metadata }: SafetensorsFile): void {
  const names = [...entries.keys()];
  for (const [pattern, kind] of foreign) {
    const name = names.find((one) => pattern.test(one));
    if (name !== undefined) throw new InputError(`${source}: "${name}" is of ${kind}, which is not supported`);
  }
  const module = metadata['ss_network_module'] ?? '';
  if (/lycoris|loha|lokr|oft|dylora/i.test(module) && names.every((name) => !keyOf(name)))
    throw new InputError(`${source}: it was made by ${module}, which is not supported`);
}

function updateOf(file: SafetensorsFile, { part, module }: Key, group: Group, alphas: AdapterAlphas): LoraUpdate {
  const { down, up, alpha } = group;
  if (down === undefined || up === undefined) {
    const found = down ?? up ?? alpha;
    throw new InputError(`${file.source}: "${found}" has no ${down === undefined ? 'down' : 'up'} beside it`);
  }
  const own = alpha === undefined ? alphas(part, module) : numberOf(file, alpha);
  return {
    name: down,
    module,
    down: readTensor(file, down),
    up: readTensor(file, up),
    ...(own !== undefined && { alpha: own }),
  };
}

function numberOf(file: SafetensorsFile, name: string): number {
  const { numbers, shape } = readNumbers(file, name);
  const [value] = numbers;
  if (value !== undefined && numbers.length === 1) return value;
  throw new InputError(`${file.source}: "${name}" has shape [${shape.join(', ')}]; an alpha is one number`);
}

/** α of a module that has no tensor for it; undefined where nothing is said of it. */
type AdapterAlphas = (part: LoraPart, module: string) => number | undefined;

/** What PEFT's config of an adapter says of α, which diffusers keeps in the file's metadata. */
function adapterAlphas({ source, metadata }: SafetensorsFile): AdapterAlphas {
  const text = metadata['lora_adapter_metadata'];
  if (text === undefined) return () => undefined;
  const said = `${source}: the metadata lora_adapter_metadata`;
  const config = jsonObject(new TextEncoder().encode(text), said);
  for (const key of ['use_rslora', 'use_dora', 'lora_bias']) {
    const part = loraParts.find((one) => config[`${one}.${key}`] === true);
    if (part) throw new InputError(`${said} has ${part}.${key}, which is not supported`);
  }
  return (part, module) => {
    const patterns = Object.entries(Object(config[`${part}.alpha_pattern`]) as Record<string, unknown>);
    const own = patterns.find(([name]) =>
      [module, `text_model.${module}`].some((path) => `.${path}`.endsWith(`.${name}`)),
    );
    const alpha = own?.[1] ?? config[`${part}.lora_alpha`];
    if (alpha === undefined || typeof alpha === 'number') return alpha;
    throw new InputError(`${said} has an alpha of ${part} that is no number`);
  };
}
