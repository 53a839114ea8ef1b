/** Reading a case from its folder. Everything is checked: the schema's version, every key, every tensor's SHA-256. */
import { sha256 } from '../tensor/bytes.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { loadModelFolder } from '../formats/diffusers.ts';
import { aReader, jsonObject, type ReadFile } from '../formats/read-file.ts';
import { parseSafetensors, readTensors, type SafetensorsFile } from '../formats/safetensors.ts';
import { schemaVersion, type Case, type Expected, type Weights } from './case.ts';
import { readFields, type Fields } from './fields.ts';
import { readSubject } from './read-subject.ts';

/**
 * The folder of another case, or of a model that ships with this library: a case may have its weights and need not
 * repeat them.
 */
export type ReadModel = (name: string) => ReadFile;

/**
 * @param source the case's name, for messages
 * @throws InputError when the folder is no case, or one that was changed
 */
export async function readCase(readFile: ReadFile, source: string, readModel: ReadModel): Promise<Case> {
  aReader('what reads files', readFile);
  const json = await readFile('case.json');
  if (!json) throw new InputError(`${source}: there is no case.json; it makes a folder a case`);
  const fields = readFields(jsonObject(json, `${source}/case.json`), `${source}/case.json`);
  const version = fields.integer('schema');
  if (version !== schemaVersion)
    throw new InputError(`${source}/case.json: schema is ${version}; this version reads ${schemaVersion}`);
  const sums = fields.object('sha256');
  const tensorsOf = async (name: string): Promise<ReadonlyMap<string, Tensor>> => {
    const announced = sums.object(name);
    const bytes = await readFile(`${name}.safetensors`);
    if (!bytes) throw new InputError(`${source}: ${name}.safetensors is missing`);
    const file = parseSafetensors(bytes, `${source}/${name}.safetensors`);
    await checkSums(file, announced);
    return readTensors(file);
  };
  const model = fields.optionalText('model');
  const others = model === undefined ? new Map() : weightsOf(readFile, readModel, model);
  const weights = await (sums.has('weights') ? tensorsOf('weights') : others);
  const found: Case = {
    name: fields.text('name'),
    title: fields.text('title'),
    truth: fields.text('truth'),
    subject: readSubject(fields.object('subject')),
    inputs: sums.has('inputs') ? await tensorsOf('inputs') : new Map(),
    weights,
    expected: pairs(await tensorsOf('expected'), source),
  };
  fields.finish();
  return found;
}

/** The weights of another case or of a model; a case that was exported has them beside it. */
async function weightsOf(readFile: ReadFile, readModel: ReadModel, model: string): Promise<Weights> {
  const readOther = readModel(model);
  const bytes = (await readFile('weights.safetensors')) ?? (await readOther('weights.safetensors'));
  if (bytes) return readTensors(parseSafetensors(bytes, `${model}/weights.safetensors`));
  return (await loadModelFolder(readOther, model)).weights;
}

async function checkSums(file: SafetensorsFile, announced: Fields): Promise<void> {
  for (const [name, { bytes }] of file.entries) {
    if ((await sha256(bytes)) !== announced.text(name))
      throw new InputError(
        `${file.source}: "${name}" is not what case.json promises; the file was changed, or belongs to another case`,
      );
  }
  for (const name of announced.keys) {
    if (!file.entries.has(name)) throw new InputError(`${file.source}: "${name}" is missing`);
  }
}

/** `f64/<tap>` and `f32/<tap>` side by side. */
function pairs(tensors: ReadonlyMap<string, Tensor>, source: string): ReadonlyMap<string, Expected> {
  const expected = new Map<string, Expected>();
  for (const [name, f64] of tensors) {
    if (name.startsWith('f64/')) expected.set(name.slice(4), { f64, f32: tensors.get(`f32/${name.slice(4)}`) });
  }
  if (expected.size === 0) throw new InputError(`${source}/expected.safetensors holds no tensor "f64/…"`);
  return expected;
}
