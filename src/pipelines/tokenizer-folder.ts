/**
 * A folder with CLIP's tokenizer, as transformers writes it: `vocab.json` and `merges.txt`, or, from transformers 5 on,
 * `tokenizer.json` alone.
 */
import { readJsonFile, type ReadFile } from '../formats/read-file.ts';
import type { Json } from '../models/config-keys.ts';
import { InputError } from '../tensor/errors.ts';
import { clipTokenizer, type ClipVocabulary, type SpecialTokens, type Tokenizer } from './clip-tokenizer.ts';

/** How long CLIP's texts are, where a folder does not say it: with files of old, transformers knows no bound at all. */
const clipLength = 77;

/**
 * Loads a tokenizer.
 * @param folder its path within what is read, empty or ending in a slash
 * @param source the name of what is read, for messages
 * @throws InputError when files are missing or wrong, or hold a tokenizer of another kind
 */
export async function loadTokenizer(readFile: ReadFile, folder: string, source: string): Promise<Tokenizer> {
  const name = `${source}/${folder}`;
  const config = (await readJsonFile(readFile, `${folder}tokenizer_config.json`, source)) ?? {};
  const map = (await readJsonFile(readFile, `${folder}special_tokens_map.json`, source)) ?? {};
  const kind = config['tokenizer_class'] ?? 'CLIPTokenizer';
  if (kind !== 'CLIPTokenizer' && kind !== 'CLIPTokenizerFast') {
    throw new InputError(
      `${name}tokenizer_config.json: the tokenizer is a ${JSON.stringify(kind)}; supported is CLIP's`,
    );
  }
  const longest = config['model_max_length'];
  const isBound = typeof longest === 'number' && Number.isInteger(longest) && longest <= 65536;
  return clipTokenizer({
    ...(await learnt(readFile, folder, source)),
    length: isBound ? longest : clipLength,
    // Where both name a token, transformers takes that of the map.
    special: { ...specialOf(config), ...specialOf(map) },
  });
}

type Learnt = Pick<ClipVocabulary, 'vocab' | 'merges'>;

async function learnt(readFile: ReadFile, folder: string, source: string): Promise<Learnt> {
  const vocab = await readJsonFile(readFile, `${folder}vocab.json`, source);
  const merges = vocab && (await readFile(`${folder}merges.txt`));
  if (vocab && merges) {
    const lines = new TextDecoder().decode(merges).split(/\r?\n/);
    return {
      vocab: vocabOf(vocab, `${source}/${folder}vocab.json`),
      merges: lines.filter((line, i) => line !== '' && !(i === 0 && line.startsWith('#version'))),
    };
  }
  const whole = await readJsonFile(readFile, `${folder}tokenizer.json`, source);
  if (whole) return ofTokenizerJson(whole, `${source}/${folder}tokenizer.json`);
  throw new InputError(`${source}: there is no ${folder}vocab.json with merges.txt, nor a tokenizer.json`);
}

function ofTokenizerJson(whole: Json, name: string): Learnt {
  const model = Object(whole['model']) as Json;
  if (model['type'] !== 'BPE' || model['end_of_word_suffix'] !== '</w>') {
    throw new InputError(`${name} holds no tokenizer of CLIP's kind: byte-pair encoding whose words end in </w>`);
  }
  const merges: readonly unknown[] = Array.isArray(model['merges']) ? model['merges'] : [];
  return {
    vocab: vocabOf(Object(model['vocab']) as Json, name),
    merges: merges.map((pair) => (Array.isArray(pair) ? pair.join(' ') : String(pair))),
  };
}

function vocabOf(vocab: Json, name: string): Readonly<Record<string, number>> {
  const wrong = Object.entries(vocab).find(([, id]) => !Number.isInteger(id) || (id as number) < 0);
  if (!wrong) return vocab as Readonly<Record<string, number>>;
  throw new InputError(`${name}: ${JSON.stringify(wrong[0])} is ${JSON.stringify(wrong[1])}; expected a whole number`);
}

const specialKeys = { bos: 'bos_token', eos: 'eos_token', pad: 'pad_token', unk: 'unk_token' } as const;

/** The special tokens that a file names, as texts or as objects with a text in them. */
function specialOf(json: Json): Partial<SpecialTokens> {
  const found = Object.entries(specialKeys).flatMap(([name, key]) => {
    const value = json[key];
    const text: unknown = typeof value === 'string' ? value : (Object(value) as Json)['content'];
    return typeof text === 'string' ? [[name, text] as const] : [];
  });
  return Object.fromEntries(found);
}
