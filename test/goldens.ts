/** Where the golden data of `scripts/goldens` lie, and the models among them. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadModelFiles, type ModelFiles, type ComponentKind } from '../src/formats/model-files.ts';
import { loadModelFolder, type ModelFolder } from '../src/formats/diffusers.ts';
import { folderReader } from '../src/formats/node-files.ts';
import { readJsonFile } from '../src/formats/read-file.ts';
import { parseSafetensors, type SafetensorsFile } from '../src/formats/safetensors.ts';
import type { Padding } from '../src/kernels/kernels.ts';
import type { Json } from '../src/models/config-keys.ts';

/** The path of something in `fixtures`. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
}

/** The bytes of a file of golden data. */
export function goldenBytes(path: string): Uint8Array {
  const file = fixture(`goldens/${path}`);
  if (!existsSync(file)) throw new Error(`there is no fixtures/goldens/${path}; a script of scripts/goldens makes it`);
  return new Uint8Array(readFileSync(file));
}

export function openGoldens(path: string): SafetensorsFile {
  return parseSafetensors(goldenBytes(path), path);
}

/** The value of a key of the metadata, which is JSON. */
export function metadataOf<T>(file: SafetensorsFile, key: string): T {
  return JSON.parse(file.metadata[key]) as T;
}

/** The padding of a convolution, as its arguments give it. */
export function paddingOf([top, bottom, left, right]: readonly number[]): Padding {
  return { top, bottom, left, right };
}

/** A JSON file of a folder in `fixtures`. */
export async function loadFixtureJson(path: string, name: string): Promise<Json> {
  const found = await readJsonFile(await folderReader(fixture(path)), name, path);
  if (!found) throw new Error(`there is no ${path}/${name}`);
  return found;
}

/** A folder in `fixtures` that holds one model, of a kind of `componentKinds`. */
export async function loadFixtureFiles<Config>(path: string, kind: ComponentKind<Config>): Promise<ModelFiles<Config>> {
  return loadModelFiles(await folderReader(fixture(path)), '', path, kind);
}

/** A model folder in `fixtures`. */
export async function loadFixtureModel(path: string): Promise<ModelFolder> {
  return loadModelFolder(await folderReader(fixture(path)), path);
}
