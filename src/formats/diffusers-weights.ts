/** The weights in a folder of diffusers: one file or shards, of a variant or not, under old names or new ones. */
import { deferredAs } from '../tensor/deferred.ts';
import { InputError } from '../tensor/errors.ts';
import { reshape, type Tensor } from '../tensor/tensor.ts';
import { deferredTensor } from './deferred-tensor.ts';
import { readJsonFile, type ReadFile } from './read-file.ts';
import { readSafetensors, readTensor, type SafetensorsFile } from './safetensors.ts';

/** Where weights lie. */
export interface WeightsPlace {
  readonly readFile: ReadFile;
  /** Of the model in the folder: `unet/`, or nothing. */
  readonly folder: string;
  /** The folder's name, for messages. */
  readonly source: string;
  /** As `fp16`: of the files `diffusion_pytorch_model.fp16.safetensors`; undefined for those without. */
  readonly variant: string | undefined;
  /** What the files are called, before the variant; as diffusers calls them unless given. */
  readonly stem?: string;
  /** What a weight is called in the model, where files call it otherwise. */
  readonly rename?: (name: string) => string;
}

/** Weights that somebody needs, and the names of the tensors that nobody does. */
export interface ReadWeights {
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly unread: readonly string[];
}

const diffusersStem = 'diffusion_pytorch_model';

/** The file with all weights. */
function wholeName(stem: string, variant?: string): string {
  return variant === undefined ? `${stem}.safetensors` : `${stem}.${variant}.safetensors`;
}

/** What an index of shards may be called: as diffusers writes it, and as older releases wrote a variant's. */
function indexNames(stem: string, variant?: string): readonly string[] {
  const index = `${stem}.safetensors.index`;
  return variant === undefined
    ? [`${index}.json`]
    : [`${index}.${variant}.json`, `${stem}.safetensors.${variant}.index.json`];
}

/**
 * Reads the weights, by the names that diffusers gives them today. Tensors that nobody needs are not even decoded.
 * @param wanted the names that the model has
 * @throws InputError when files are missing or wrong
 */
export async function loadWeights(place: WeightsPlace, wanted: ReadonlySet<string>): Promise<ReadWeights> {
  const { readFile, folder, source, variant, stem = diffusersStem } = place;
  if (variant !== undefined && !/^\w[\w-]*$/.test(variant))
    throw new InputError(`the variant is ${JSON.stringify(variant)}; expected a name, as "fp16"`);
  const listed = (await readFile.list?.(folder)) ?? [];
  // Where there are both, diffusers takes the shards.
  const hasIndex = indexNames(stem, variant).some((name) => listed.includes(name));
  const path = folder + wholeName(stem, variant);
  const whole = hasIndex ? undefined : await readSafetensors(readFile, path, `${source}/${path}`);
  if (whole) return collect(place, [whole], wanted, whole.source);
  for (const name of indexNames(stem, variant)) {
    const index = await readJsonFile(readFile, folder + name, source);
    if (index) return loadShards(place, wanted, index, `${source}/${folder}${name}`);
  }
  throw new InputError(`${source}: there is no ${path}, nor its .index.json; ${await instead(place, stem, listed)}`);
}

/** What is there in the place of the weights, and the way out. */
async function instead(
  { readFile, folder, variant }: WeightsPlace,
  stem: string,
  listed: readonly string[],
): Promise<string> {
  const wanted = "give a folder as diffusers' save_pretrained writes it";
  const variants = await variantsOf(readFile, folder, stem, listed);
  if (variants.length > 0 && !variants.includes(variant ?? '')) {
    const [none, named] = [variants.includes(''), variants.filter((name) => name !== '')];
    return [
      ...(named.length > 0 ? [`there is the variant ${named.join(', ')}: take it by { variant: '${named[0]}' }`] : []),
      ...(none ? ['there is one without a variant'] : []),
    ].join('; ');
  }
  const names = listed.length > 0 ? listed : await present(readFile, folder, [`${stem}.bin`, `${stem}.bin.index.json`]);
  const pickles = names.filter((name) => /\.(bin|bin\.index(\.\w+)?\.json|ckpt|pt|pth|msgpack)$/.test(name));
  const pickled = pickles.find((name) => name.endsWith('.json')) ?? pickles[0];
  if (pickled !== undefined) {
    const kind = pickled.endsWith('.json') ? 'an index of .bin files' : `a .${pickled.split('.').at(-1)} file`;
    return (
      `${kind} is there, ${pickled}, but only safetensors are read; ` +
      'save the model again with safe_serialization=True'
    );
  }
  const other = names.find((name) => /\.(safetensors|gguf|onnx|h5)$/.test(name));
  return other === undefined ? wanted : `${other} is there, a checkpoint of another kind; ${wanted}`;
}

/** The variants of weights in a folder, '' for those without one: as the folder lists them, else the usual ones. */
async function variantsOf(
  readFile: ReadFile,
  folder: string,
  stem: string,
  listed: readonly string[],
): Promise<readonly string[]> {
  const usual = ['', 'fp16', 'bf16', 'ema', 'non_ema', 'fp32'];
  const candidates = usual.flatMap((name) => filesOf(stem, name));
  const names = listed.length > 0 ? listed : await present(readFile, folder, candidates);
  const found = names.flatMap((name) => variantNamed(stem, name) ?? []);
  return [...new Set(found)].sort();
}

/** What a variant's file is called around its name: of the whole, of an index, of an index of older releases. */
const aroundOf = (stem: string): readonly (readonly [string, string])[] => [
  [`${stem}.`, '.safetensors'],
  [`${stem}.safetensors.index.`, '.json'],
  [`${stem}.safetensors.`, '.index.json'],
];

/** The variant that a file is of, '' for none; undefined where it is no file of weights, or a shard. */
function variantNamed(stem: string, file: string): string | undefined {
  if (file === wholeName(stem) || indexNames(stem).includes(file)) return '';
  const [before, behind] = aroundOf(stem).find(([begin, end]) => file.startsWith(begin) && file.endsWith(end)) ?? [
    '',
    '',
  ];
  const name = before === '' ? '' : file.slice(before.length, -behind.length);
  return /^\w[\w-]*$/.test(name) && !/-of-\d+$/.test(name) ? name : undefined;
}

function filesOf(stem: string, name: string): readonly string[] {
  const variant = name === '' ? undefined : name;
  return [wholeName(stem, variant), ...indexNames(stem, variant)];
}

/** Which of some files there are, for readers that cannot list a folder. */
async function present(readFile: ReadFile, folder: string, names: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of names) if (await readFile(folder + name, { first: 1 })) found.push(name);
  return found;
}

async function loadShards(
  place: WeightsPlace,
  wanted: ReadonlySet<string>,
  index: Readonly<Record<string, unknown>>,
  indexName: string,
): Promise<ReadWeights> {
  const { readFile, folder, source } = place;
  const map = index['weight_map'];
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new InputError(`${indexName}: there is no object "weight_map"`);
  const namesOf = new Map<unknown, string[]>();
  for (const [name, file] of Object.entries(map as Record<string, unknown>)) {
    const names = namesOf.get(file) ?? [];
    names.push(name);
    namesOf.set(file, names);
  }
  const shards: SafetensorsFile[] = [];
  for (const [file, names] of namesOf) {
    // A shard lies beside its index: anything else would read where nobody asked it to.
    if (typeof file !== 'string' || !/^\w[\w.-]*\.safetensors$/.test(file)) {
      throw new InputError(
        `${indexName}: "weight_map" names ${JSON.stringify(file)?.slice(0, 80)}; ` +
          'expected a .safetensors file of the same folder',
      );
    }
    const shard = await readSafetensors(readFile, folder + file, `${source}/${folder}${file}`);
    if (!shard) throw new InputError(`${indexName}: the shard ${file} is missing`);
    const absent = names.find((name) => !shard.entries.has(name));
    if (absent !== undefined) throw new InputError(`${indexName}: "${absent}" is said to be in ${file}, but is not`);
    shards.push(shard);
  }
  return collect(place, shards, wanted, indexName);
}

/** The tensors of all files that are wanted, by their names of today. */
function collect(
  { rename = (name) => name }: WeightsPlace,
  files: readonly SafetensorsFile[],
  wanted: ReadonlySet<string>,
  source: string,
): ReadWeights {
  const weights = new Map<string, Tensor>();
  const unread: string[] = [];
  const held = new Set<string>();
  for (const file of files) {
    const mine = new Set<string>();
    for (const name of file.entries.keys()) {
      const current = rename(currentName(name));
      if (mine.has(current))
        throw new InputError(`${file.source}: "${current}" is there twice, by its old and its new name`);
      if (held.has(current)) throw new InputError(`${source}: two shards hold "${current}"`);
      mine.add(current);
      const read = (): Tensor => deferredTensor(file, name) ?? readTensor(file, name);
      if (wanted.has(current)) weights.set(current, asMatrix(current, read()));
      else unread.push(name);
    }
    for (const name of mine) held.add(name);
  }
  return { weights, unread };
}

/** The attention layers of old checkpoints, by what they are called since diffusers 0.15. */
const oldNames = { query: 'to_q', key: 'to_k', value: 'to_v', proj_attn: 'to_out.0' } as const;

/** What a weight is called today. */
function currentName(name: string): string {
  return name.replace(
    /^(.*\.attentions\.\d+\.)(query|key|value|proj_attn)(\.(?:weight|bias))$/,
    (_whole, layer: string, old: keyof typeof oldNames, part: string) => `${layer}${oldNames[old]}${part}`,
  );
}

/** Projections that were kept as 1 × 1 convolutions become matrices. */
function asMatrix(name: string, value: Tensor): Tensor {
  const isMatrix = /\.attentions\.\d+\.(?:to_[qkv]|to_out\.0)\.weight$/.test(name);
  const wasConvolution = isMatrix && value.shape.slice(2).every((extent) => extent === 1);
  if (!wasConvolution) return value;
  const shape = value.shape.slice(0, 2);
  return deferredAs(value, value.dtype, shape) ?? reshape(value, shape);
}

/** One line about tensors that were left unread. */
export function unreadText(names: readonly string[]): string {
  const shown = names.slice(0, 4).map((name) => JSON.stringify(name));
  const more = names.length > 4 ? `, … (${names.length} in all)` : '';
  return `left unread is what belongs to no module of the model: ${shown.join(', ')}${more}`;
}
