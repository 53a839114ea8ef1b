/**
 * Folders that diffusers saved (scripts/goldens/folders.py), at random: UNets, schedulers that took over the config of
 * others, nulls, keys of old, all layouts. Each is loaded as it was saved, sampled, and compared with what PyTorch
 * draws.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { parseSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { none } from '../../src/guidance/none.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { constructedParameters } from '../../src/models/unet2d/initialise.ts';
import { parseUNetConfig } from '../../src/models/unet2d/config.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler, type SchedulerChoices } from '../../src/schedulers/registry.ts';
import { manualSeed, uniform } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { sizeOf, type Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture, openGoldens } from '../goldens.ts';

interface FolderCase {
  readonly seed: number;
  readonly layout: string;
  readonly scheduler: string;
  readonly steps: number;
  readonly choices: SchedulerChoices;
  readonly labels: readonly number[] | null;
  /** The texts, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** The precision of each file of weights, by path. */
  readonly weights: Readonly<Record<string, 'f32' | 'f16'>>;
}

/** PAG_FOLDERS names another folder that scripts/goldens/folders.py made. */
const place = process.env['PAG_FOLDERS'];
const text = readFileSync(
  place === undefined ? fixture('goldens/folders/random.json') : `${place}/random.json`,
  'utf8',
);
const cases = JSON.parse(text) as readonly FolderCase[];
const drawn =
  place === undefined
    ? openGoldens('folders/random.safetensors')
    : parseSafetensors(readFileSync(`${place}/random.safetensors`), 'random.safetensors');
const backend = referenceBackend();

/** The weights of a case, of a model that diffusers' names are the names of. */
function weightsOf({ seed, files }: FolderCase): ReadonlyMap<string, Tensor> {
  const [, json = ''] =
    Object.entries(files).find(([path]) => path.endsWith('config.json') && !path.includes('sched')) ?? [];
  const generator = manualSeed(seed);
  const parameters = constructedParameters(parseUNetConfig(JSON.parse(json) as Record<string, unknown>));
  const named = new Map(parameters.map(({ name, shape }) => [name, shape]));
  return new Map(
    [...named.keys()].sort().map((name) => {
      const shape = named.get(name) ?? [];
      const size = shape.length > 1 ? 1.5 / Math.sqrt(Math.max(1, sizeOf(shape.slice(1)))) : 0.3;
      const around = shape.length === 1 && /norm.*weight$/.test(name) ? 1 : 0;
      return [name, uniform(generator, shape, around - size, around + size)];
    }),
  );
}

/** The folder, in memory. */
function folderOf(one: FolderCase): ReadFile {
  const all = weightsOf(one);
  const encoded = new Map<string, Uint8Array>();
  for (const [path, content] of Object.entries(one.files)) encoded.set(path, new TextEncoder().encode(content));
  const [, index] = Object.entries(one.files).find(([path]) => /\.index\./.test(path)) ?? [];
  const { weight_map: shards } = JSON.parse(index ?? '{}') as { weight_map?: Readonly<Record<string, string>> };
  for (const [path, dtype] of Object.entries(one.weights)) {
    const names = shards ? Object.keys(shards).filter((name) => path.endsWith(shards[name])) : [...all.keys()];
    const held = names.map((name) => [name, cast(all.get(name) ?? refuse(name), dtype)] as const);
    encoded.set(path, writeSafetensors(Object.fromEntries(held)));
  }
  return (path) => Promise.resolve(encoded.get(path));
}

function refuse(name: string): never {
  throw new Error(`diffusers has a weight ${name}`);
}

describe.each(cases.map((one) => [`${one.seed}: ${one.scheduler}, ${one.layout}`, one] as const))(
  '%s',
  (_title, one) => {
    it.each(['f32', 'f64'] as const)('draws what PyTorch draws, in %s', async (dtype) => {
      const variant = Object.values(one.weights).includes('f16') ? { variant: 'fp16' } : {};
      const { config, weights, schedulerConfig } = await loadModelFolder(folderOf(one), 'model', variant);
      const unet = createUNet(config, weights, dtype);
      const generator = manualSeed(one.seed + 1);
      const next = (): Tensor => {
        const shape = [1, config.inChannels, 8, 8];
        return cast(uniform(generator, shape, -Math.sqrt(3), Math.sqrt(3)), dtype);
      };
      const sample = sampleToEnd({
        denoiser: unetDenoiser(unet, backend, one.labels ? { labels: one.labels } : {}),
        guidance: none,
        scheduler: createScheduler(schedulerConfig ?? {}, one.steps, one.choices),
        noise: next(),
        noiseSource: next,
      });
      expect(schedulerConfig?.['_class_name']).toBe(one.scheduler);
      expect(disagreement(sample, goldenOf(drawn, String(one.seed)))).toBeUndefined();
    });
  },
);

it('the folders are of all layouts and many schedulers', () => {
  expect(new Set(cases.map(({ layout }) => layout)).size).toBe(9);
  expect(new Set(cases.map(({ scheduler }) => scheduler)).size).toBeGreaterThan(12);
});
