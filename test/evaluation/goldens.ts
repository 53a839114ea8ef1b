/** The goldens of the evaluation. */
import { readFileSync } from 'node:fs';
import { parseSafetensors, readTensor, readTensors } from '../../src/formats/safetensors.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { fixture, metadataOf, openGoldens } from '../goldens.ts';

export const file = openGoldens('evaluation/evaluation.safetensors');

interface Case {
  readonly name: string;
}

export function caseOf<T>(name: string): T {
  return metadataOf<readonly Case[]>(file, 'cases').find((golden) => golden.name === name) as T;
}

/** The names of the cases that have a result called `figure`. */
export function casesOf(figure: string): readonly string[] {
  return metadataOf<readonly Case[]>(file, 'cases')
    .filter((golden) => figure in golden)
    .map(({ name }) => name);
}

export function input(name: string, key: string): Tensor {
  return readTensor(file, `${name}/${key}`);
}

export function classifierWeights(): ReadonlyMap<string, Tensor> {
  return readTensors(
    parseSafetensors(new Uint8Array(readFileSync(fixture('letters/classifier.safetensors'))), 'classifier.safetensors'),
  );
}
