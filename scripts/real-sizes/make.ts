/**
 * Makes a folder of a real model's config with random weights: `npx tsx scripts/real-sizes/make.ts sd15 DIR [f32|f16]`.
 * The weights are written as they are drawn, so that none of the folders has to fit into memory.
 */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { componentKinds } from '../../src/formats/components.ts';
import type { ComponentKind } from '../../src/formats/model-files.ts';
import { toF16 } from '../../src/formats/small-floats.ts';
import { readUNetConfig } from '../../src/models/unet2d/config.ts';
import { unetArchitecture } from '../../src/models/unet2d/unet.ts';
import { parametersOf } from '../../src/models/stage.ts';
import type { Parameter } from '../../src/nn/parameters.ts';
import { roundInPlace } from '../../src/tensor/rounding.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { sizeOf } from '../../src/tensor/tensor.ts';
import { folders, type Folder } from './configs.ts';

type Stored = 'f32' | 'f16';

/** Standard normal numbers that all tensors are made of, over and over; no tensor's rows are as long. */
const drawn = manualSeed(0).randn([2 ** 20 - 3]).data;

const [name = '', folder = '', stored = 'f32'] = process.argv.slice(2);
const chosen = folders[name];
if (!chosen || folder === '' || (stored !== 'f32' && stored !== 'f16'))
  throw new Error(`usage: make.ts ${Object.keys(folders).join('|')} DIR [f32|f16]`);
make(chosen, folder, stored);

function make(what: Folder, folder: string, stored: Stored): void {
  if ('unet' in what) {
    const { config } = readUNetConfig(what.unet, name);
    writeModel(folder, what.unet, parametersOf(unetArchitecture(config).stages), stored);
    return;
  }
  const classes = Object.entries(what.parts).map(([part, { kind }]) => [part, ['diffusers', classOf(part, kind)]]);
  const tokenizers = ['tokenizer', ...('text_encoder_2' in what.parts ? ['tokenizer_2'] : [])];
  writeJson(join(folder, 'model_index.json'), {
    _class_name: what.pipeline,
    ...Object.fromEntries(classes),
    ...Object.fromEntries(tokenizers.map((part) => [part, ['transformers', 'CLIPTokenizer']])),
    scheduler: ['diffusers', 'DDIMScheduler'],
  });
  writeJson(join(folder, 'scheduler', 'scheduler_config.json'), what.scheduler);
  for (const part of tokenizers) writeTokenizer(join(folder, part));
  for (const [part, { kind, config }] of Object.entries(what.parts))
    writePart(join(folder, part), componentKinds[kind] as ComponentKind<unknown>, config, stored);
}

function classOf(part: string, kind: string): string {
  return part === 'text_encoder_2' ? 'CLIPTextModelWithProjection' : kind;
}

function writePart(folder: string, kind: ComponentKind<unknown>, json: object, stored: Stored): void {
  const { config } = kind.read(json as Record<string, unknown>, folder);
  writeModel(folder, json, parametersOf(kind.stages(config)), stored, kind.stem);
}

function writeModel(
  folder: string,
  config: object,
  parameters: readonly Parameter[],
  stored: Stored,
  stem = 'diffusion_pytorch_model',
): void {
  writeJson(join(folder, 'config.json'), config);
  const width = stored === 'f32' ? 4 : 2;
  let end = 0;
  const header = parameters.map(({ name: of, shape }) => {
    const start = end;
    end += width * sizeOf(shape);
    return [of, { dtype: stored.toUpperCase(), shape, data_offsets: [start, end] }] as const;
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const head = Buffer.alloc(8 + 8 * Math.ceil(json.length / 8), ' ');
  head.writeBigUInt64LE(BigInt(head.length - 8));
  json.copy(head, 8);
  const file = openSync(join(folder, `${stem}.safetensors`), 'w');
  writeAll(file, head);
  for (const [i, parameter] of parameters.entries()) writeNumbers(file, parameter, 7919 * i, stored);
  closeSync(file);
}

/**
 * Writes the numbers of a parameter: a block, over and over. Norms begin as they do; what sums products has the size
 * that keeps its results near 1.
 */
function writeNumbers(file: number, { name: of, shape, module }: Parameter, seed: number, stored: Stored): void {
  const size = sizeOf(shape);
  const isWeight = of.endsWith('weight');
  const fanIn = module === 'embedding' ? 100 : Math.max(1, sizeOf(shape.slice(1)));
  const scale = module === 'norm' || !isWeight ? 0 : 1 / Math.sqrt(fanIn);
  const offset = module === 'norm' && isWeight ? 1 : 0;
  const numbers = new Float32Array(Math.min(drawn.length, size));
  for (let i = 0; i < numbers.length; i++) numbers[i] = offset + scale * (drawn[(seed + i) % drawn.length] ?? 0);
  const block = stored === 'f32' ? bytesOf(numbers) : halves(numbers);
  const bytes = size * (stored === 'f32' ? 4 : 2);
  for (let at = 0; at < bytes; at += block.length) writeAll(file, block.subarray(0, bytes - at));
}

function halves(numbers: Float32Array): Uint8Array {
  roundInPlace('f16', numbers);
  const words = new Uint32Array(numbers.buffer);
  const out = new Uint16Array(words.length);
  for (let i = 0; i < out.length; i++) out[i] = toF16(words[i] ?? 0);
  return bytesOf(out);
}

function bytesOf({ buffer }: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer);
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}

function writeJson(path: string, value: object): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(value, undefined, 2));
}

/** CLIP's tokenizer without merges: a word is its letters, and the two special tokens are where CLIP has them. */
function writeTokenizer(folder: string): void {
  const printable = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  const pieces = [...printable, ...printable.map((letter) => `${letter}</w>`)];
  const vocab = Object.fromEntries(pieces.map((piece, i) => [piece, i]));
  writeJson(join(folder, 'vocab.json'), { ...vocab, '<|startoftext|>': 49406, '<|endoftext|>': 49407 });
  writeFileSync(join(folder, 'merges.txt'), '#version: 0.2\n');
  const special = { bos_token: '<|startoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' };
  writeJson(join(folder, 'tokenizer_config.json'), {
    ...{ tokenizer_class: 'CLIPTokenizer', model_max_length: 77, pad_token: '<|endoftext|>', ...special },
  });
}
