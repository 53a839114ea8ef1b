/**
 * Folders and files as people have them (fixtures/cases): layouts of the Hub, configs of old, weights that were saved
 * as something else. Each loads and predicts what diffusers predicts, or is refused with the true reason.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadModelFolder, type FolderChoices } from '../../src/formats/diffusers.ts';
import type { FilePart, ReadFile } from '../../src/formats/read-file.ts';
import { parseSafetensors, readNumbers, readSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { none } from '../../src/guidance/none.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { runModel } from '../../src/models/passes.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed, uniform } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture, openGoldens } from '../goldens.ts';

const bytesOf = (path: string): Uint8Array => new Uint8Array(readFileSync(fixture(`cases/${path}`)));
const textOf = (path: string): string => readFileSync(fixture(`cases/${path}`), 'utf8');
const open = (path: string) => parseSafetensors(bytesOf(path), path);

type Files = Readonly<Record<string, string | Uint8Array>>;

/** A folder in memory, which can be listed like a disk's; `read` gets what was asked of it. */
function folderOf(files: Files, read: [path: string, part?: FilePart][] = []): ReadFile {
  const encoded = new Map(
    Object.entries(files).map(([path, content]): [string, Uint8Array] => [
      path,
      typeof content === 'string' ? new TextEncoder().encode(content) : content,
    ]),
  );
  const readFile: ReadFile = (path, part) => {
    read.push(part === undefined ? [path] : [path, part]);
    return Promise.resolve(encoded.get(path)?.subarray(0, part?.first));
  };
  const list = (folder: string) => {
    const prefix = folder === '' ? '' : `${folder.replace(/\/$/, '')}/`;
    const inside = [...encoded.keys()].filter((path) => path.startsWith(prefix));
    return Promise.resolve([...new Set(inside.map((path) => path.slice(prefix.length).replace(/\/.*/, '')))]);
  };
  return Object.assign(readFile, { list });
}

const weightsName = 'diffusion_pytorch_model.safetensors';
const config = textOf('unet/config.json');
const weights = bytesOf(`unet/${weightsName}`);
const half = bytesOf('variant-fp16/diffusion_pytorch_model.fp16.safetensors');
const pndm = textOf('schedulers/sd15-pndm.json');
const indexOf = (scheduler: unknown): string => JSON.stringify({ scheduler, unet: ['diffusers', 'UNet2DModel'] });
const load = (files: Files, choices?: FolderChoices) => loadModelFolder(folderOf(files), 'model', choices);

const goldens = openGoldens('folders/cases.safetensors');
const backend = referenceBackend();
const given = open('in.safetensors');

/** What is wrong with the predictions of a folder, in f32 and f64. */
async function wrongPredictions(files: Files, golden: string, choices?: FolderChoices): Promise<readonly string[]> {
  const found = await load(files, choices);
  return (['f32', 'f64'] as const).flatMap((dtype) => {
    const unet = createUNet(found.config, found.weights, dtype);
    const sample = cast(readTensor(given, 'sample'), dtype);
    const { predictions } = runModel(unet, backend, { sample, timesteps: readNumbers(given, 'timestep').numbers });
    return disagreement(predictions[0], goldenOf(goldens, golden)) ?? [];
  });
}

describe('a layout that diffusers or the Hub has', () => {
  const bare = { 'config.json': config, [weightsName]: weights };
  const flat = { ...bare, 'model_index.json': indexOf(['diffusers', 'PNDMScheduler']), 'scheduler_config.json': pndm };
  const cache = Object.fromEntries(Object.entries(flat).map(([path, content]) => [`snapshots/4be1/${path}`, content]));
  const layouts: Readonly<Record<string, Files>> = {
    bare,
    flat,
    'a scheduler beside a bare UNet': { ...bare, 'scheduler_config.json': pndm },
    'a pipeline': {
      'model_index.json': indexOf(['diffusers', 'PNDMScheduler']),
      'unet/config.json': config,
      [`unet/${weightsName}`]: weights,
      'scheduler/scheduler_config.json': pndm,
    },
    'the cache of the Hub': { ...cache, 'refs/main': '4be1\n' },
    'a snapshot in the cache': flat,
    'an EMA of the weights': { ...bare, 'config.json': textOf('unet-ema/config.json') },
    'an extra tensor': { ...bare, [weightsName]: bytesOf(`extra-tensor/${weightsName}`) },
  };
  it.each(Object.entries(layouts))('%s predicts what diffusers predicts', async (_name, files) => {
    expect(await wrongPredictions(files, 'unet')).toEqual([]);
  });

  it('of a variant is read when it is asked for', async () => {
    const files = { 'config.json': config, 'diffusion_pytorch_model.fp16.safetensors': half };
    expect(await wrongPredictions(files, 'fp16', { variant: 'fp16' })).toEqual([]);
    expect(await wrongPredictions({ ...files, [weightsName]: weights }, 'fp16', { variant: 'fp16' })).toEqual([]);
    expect(await wrongPredictions({ ...files, [weightsName]: weights }, 'unet')).toEqual([]);
  });

  it.each([
    ['diffusion_pytorch_model.safetensors.index.fp16.json', 'diffusion_pytorch_model.fp16-00001-of-00001.safetensors'],
    ['diffusion_pytorch_model.safetensors.fp16.index.json', 'diffusion_pytorch_model-00001-of-00001.fp16.safetensors'],
  ])('of a variant in shards: %s', async (index, shard) => {
    const names = [...parseSafetensors(half, shard).entries.keys()];
    const map = JSON.stringify({ weight_map: Object.fromEntries(names.map((name) => [name, shard])) });
    const files = { 'config.json': config, [index]: map, [shard]: half };
    expect(await wrongPredictions(files, 'fp16', { variant: 'fp16' })).toEqual([]);
  });

  it('with shards and a whole file is read from its shards, as in diffusers', async () => {
    const shard = 'diffusion_pytorch_model-00001-of-00001.safetensors';
    const names = [...parseSafetensors(weights, shard).entries.keys()];
    const map = JSON.stringify({ weight_map: Object.fromEntries(names.map((name) => [name, shard])) });
    const files = { 'config.json': config, [`${weightsName}.index.json`]: map, [shard]: weights, [weightsName]: half };
    expect(await wrongPredictions(files, 'unet')).toEqual([]);
  });

  it('with weights of 8 bits is read, as in diffusers', async () => {
    const files = { 'config.json': config, [weightsName]: bytesOf(`float8/${weightsName}`) };
    expect(await wrongPredictions(files, 'float8')).toEqual([]);
  });
});

describe('a folder whose index and config name different classes', () => {
  it('is of that of the config, which describes the weights; it is said', async () => {
    const index = (unet: unknown) => JSON.stringify({ _class_name: 'DDPMPipeline', unet });
    const files = { 'unet/config.json': config, [`unet/${weightsName}`]: weights };
    const warningsOf = async (unet: unknown) =>
      (await load({ ...files, 'model_index.json': index(unet) })).warnings.filter((line) => line.includes('names a'));
    expect(await warningsOf(['diffusers', 'UNet2DModel'])).toEqual([]);
    expect(await warningsOf([null, null])).toEqual([]);
    expect(await warningsOf(['diffusers', 'UNet1DModel'])).toEqual([
      'model/model_index.json names a UNet1DModel, but unet/config.json is of "UNet2DModel", which is taken',
    ]);
  });
});

describe('the scheduler of a folder', () => {
  const unet = { 'unet/config.json': config, [`unet/${weightsName}`]: weights };
  const path = 'scheduler/scheduler_config.json';
  const schedulerOf = async (files: Files) => {
    const { schedulerConfig, warnings } = await load({ ...unet, ...files });
    return { schedulerConfig, warnings };
  };

  it('has the class that model_index.json names', async () => {
    const found = await schedulerOf({
      'model_index.json': indexOf(['diffusers', 'DDPMScheduler']),
      [path]: textOf('schedulers/no-class.json'),
    });
    expect(found).toEqual({
      schedulerConfig: { _class_name: 'DDPMScheduler', num_train_timesteps: 1000, prediction_type: 'v_prediction' },
      warnings: [],
    });
  });

  it('has that class also where its file names another, which is said', async () => {
    const found = await schedulerOf({ 'model_index.json': indexOf(['diffusers', 'DDIMScheduler']), [path]: pndm });
    expect(found.schedulerConfig?.['_class_name']).toBe('DDIMScheduler');
    expect(found.warnings).toEqual([
      `model/${path} is of "PNDMScheduler", but model_index.json names DDIMScheduler, which is taken`,
    ]);
  });

  it('is read from its own folder before the one beside', async () => {
    const beside = { 'scheduler_config.json': textOf('schedulers/ddim-null.json') };
    const files = { 'model_index.json': indexOf(['diffusers', 'PNDMScheduler']), [path]: pndm };
    expect((await schedulerOf({ ...files, ...beside })).schedulerConfig).toEqual(JSON.parse(pndm));
  });

  it('has the defaults of its class where it has no file, which is said', async () => {
    expect(await schedulerOf({ 'model_index.json': indexOf(['diffusers', 'PNDMScheduler']) })).toEqual({
      schedulerConfig: { _class_name: 'PNDMScheduler' },
      warnings: ['model: there is no scheduler_config.json; PNDMScheduler is taken with its defaults'],
    });
  });

  it.each([[undefined], [[null, null]], [['diffusers']], ['DDIMScheduler']])(
    'is none where the index has %j',
    async (entry) => {
      expect(await schedulerOf({ 'model_index.json': indexOf(entry) })).toEqual({
        schedulerConfig: undefined,
        warnings: [],
      });
    },
  );
});

describe('what does nothing in a folder is said, once', () => {
  it('and that what is drawn are latents', async () => {
    const index = { unet: ['diffusers', 'UNet2DModel'], vqvae: ['diffusers', 'VQModel'], vae: [null, null] };
    const files = { 'config.json': config, [weightsName]: weights };
    const { warnings } = await load({ ...files, 'model_index.json': JSON.stringify(index) });
    expect(warnings).toEqual(['model has a vqvae: what its UNet draws are latents, not pictures']);
  });

  it.each([
    [
      'keys of an EMA',
      { 'config.json': textOf('unet-ema/config.json'), [weightsName]: weights },
      'model/config.json: UNet2DModel has no "decay", "inv_gamma", "min_decay", "optimization_step", "power", ' +
        '"update_after_step", "use_ema_warmup", as in diffusers ignored',
    ],
    [
      'a tensor of no module',
      { 'config.json': config, [weightsName]: bytesOf(`extra-tensor/${weightsName}`) },
      'model/: left unread is what belongs to no module of the model: "step"',
    ],
  ])('%s', async (_name, files, line) => {
    expect((await load(files)).warnings).toEqual([line]);
  });

  it('keys of old in a scheduler', () => {
    const { warnings } = createScheduler(
      JSON.parse(textOf('schedulers/deprecated-keys.json')) as Record<string, unknown>,
      4,
    );
    expect(warnings).toEqual(['DDPMScheduler has no keys "tensor_format", "timestep_values", as in diffusers ignored']);
  });

  it.each(['sd15-pndm', 'sdxl-euler', 'kandinsky-ddpm-null', 'ddim-null', 'ddim-thr-null'])('nothing in %s', (name) => {
    const { warnings } = createScheduler(JSON.parse(textOf(`schedulers/${name}.json`)) as Record<string, unknown>, 4);
    expect(warnings).toEqual([]);
  });
});

describe('a scheduler that took over the config of PNDM', () => {
  const classes = readdirSync(fixture('cases/schedulers')).filter((name) => name.endsWith('Scheduler.json'));
  it.each(classes)('%s draws what diffusers draws', async (file) => {
    const found = await load({
      'model_index.json': indexOf(['diffusers', file.replace('.json', '')]),
      'unet/config.json': config,
      [`unet/${weightsName}`]: weights,
      'scheduler/scheduler_config.json': textOf(`schedulers/${file}`),
    });
    expect(found.warnings).toEqual([]);
    for (const dtype of ['f32', 'f64'] as const) {
      const unet = createUNet(found.config, found.weights, dtype);
      const generator = manualSeed(21);
      const sample = sampleToEnd({
        denoiser: unetDenoiser(unet, backend),
        guidance: none,
        scheduler: createScheduler(found.schedulerConfig ?? {}, 4),
        noise: cast(readTensor(open('noise.safetensors'), 'noise'), dtype),
        noiseSource: (shape): Tensor => cast(uniform(generator, shape, -1, 1), dtype),
      });
      expect(disagreement(sample, goldenOf(goldens, file.replace('.json', ''))), dtype).toBeUndefined();
    }
  });
});

describe('a folder that cannot be read says what it seems to be', () => {
  const index = 'diffusion_pytorch_model.bin.index.json';
  const refusals: readonly [string, Files, string, FolderChoices?][] = [
    ['pickled shards', { 'config.json': config, [index]: '{}' }, `an index of .bin files is there, ${index}, but only`],
    [
      'a pickled variant',
      { 'config.json': config, 'diffusion_pytorch_model.fp16.bin': 'x' },
      'a .bin file is there, diffusion_pytorch_model.fp16.bin, but only safetensors are read; save the model again',
    ],
    [
      'a variant alone',
      { 'config.json': config, 'diffusion_pytorch_model.fp16.safetensors': half },
      "there is the variant fp16: take it by { variant: 'fp16' }",
    ],
    [
      'a variant alone, in shards',
      { 'config.json': config, 'diffusion_pytorch_model.safetensors.index.bf16.json': '{}' },
      "there is the variant bf16: take it by { variant: 'bf16' }",
    ],
    [
      'another variant',
      { 'config.json': config, [weightsName]: weights, 'diffusion_pytorch_model.ema.safetensors': weights },
      'there is no diffusion_pytorch_model.fp16.safetensors, nor its .index.json; there is the variant ema: take it ' +
        "by { variant: 'ema' }; there is one without a variant",
      { variant: 'fp16' },
    ],
    [
      'weights of another name',
      { 'config.json': config, 'model.safetensors': weights },
      'model.safetensors is there, a checkpoint of another kind',
    ],
    [
      'a checkpoint of one file',
      { 'v1-5-pruned.ckpt': 'x' },
      'v1-5-pruned.ckpt is there, but a checkpoint of one file has no config',
    ],
    [
      'the parts of a training run',
      { 'unet/config.json': config, 'unet_ema/config.json': config, 'optimizer.bin': 'x' },
      'model: there is no model_index.json (a pipeline) or config.json (a UNet); give model/unet or model/unet_ema',
    ],
    [
      'a cache without a main branch',
      { 'snapshots/4be1/config.json': config },
      'it is a cache of the Hub: give one of the folders in its snapshots',
    ],
    ['a cache with a strange reference', { 'refs/main': '../../etc' }, 'model/refs/main holds no name of a commit'],
    ['an empty pipeline', { 'model_index.json': '{}' }, 'there is no unet/config.json, nor a config.json beside model'],
    [
      'a pointer for a config',
      { 'config.json': textOf('st/lfs.safetensors') },
      'model/config.json is a Git-LFS pointer, not the file itself; fetch it, as with "git lfs pull"',
    ],
    ['a page for a config', { 'config.json': '\n<!DOCTYPE html><html>' }, 'model/config.json is a web page'],
  ];
  it.each(refusals)('%s', async (_name, files, message, choices) => {
    const refused = expect.objectContaining({ name: 'InputError', message: expect.stringContaining(message) });
    await expect(load(files, choices)).rejects.toThrow(refused);
  });

  it.each([
    ['lfs', 'is a Git-LFS pointer, not the file itself'],
    ['zip', "is a zip archive, as PyTorch's .bin, .pt and .ckpt files are"],
    ['pickle', "is a pickle, as PyTorch's old .bin and .ckpt files are"],
    ['gguf', 'is a GGUF file'],
    ['empty', 'the file has 0 bytes'],
  ])('weights that are %s', async (name, message) => {
    const read: [string, FilePart?][] = [];
    const files = { 'config.json': config, [weightsName]: bytesOf(`st/${name}.safetensors`) };
    await expect(loadModelFolder(folderOf(files, read), 'model')).rejects.toThrow(message);
    expect(read.filter(([path]) => path === weightsName)).toEqual([[weightsName, { first: 8 }]]);
  });

  it.each([
    ['<!doctype html>', 'is a web page, not the file itself; download it again'],
    ['  <HTML lang="en">', 'is a web page'],
    ['Entry not found', 'is it no safetensors file? It begins with the text "Entry no".'],
    ['{"error":"Invalid credentials"}', 'is JSON text'],
    ['\u0080\u0002ctorch._utils', 'is a pickle'],
    ['\u0089HDF\r\n\u001a\n', 'is an HDF5 file'],
    ['\u001f\u008b\u0008\u0000\u0000\u0000\u0000\u0003', 'is compressed by gzip'],
    ['\u0089PNG\r\n\u001a\n', 'is a PNG picture'],
    ['\u0093NUMPY\u0001\u0000', 'is a NumPy array'],
    ['\u00ff\u00ff\u00ff\u00ff\u0000\u0000\u0000\u0000', 'the header is said to have 4294967295 bytes, but at most'],
  ])('weights that begin with %j', async (content, message) => {
    const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
    await expect(load({ 'config.json': config, [weightsName]: bytes })).rejects.toThrow(message);
  });
});

describe('files of safetensors of every kind', () => {
  it('are read by and by: 8 bytes, the header, the rest', async () => {
    const read: [string, FilePart?][] = [];
    const path = 'st/scalar.safetensors';
    await readSafetensors(folderOf({ [path]: bytesOf(path) }, read), path, path);
    expect(read).toEqual([[path, { first: 8 }], [path, { first: 72 }], [path]]);
    expect(await readSafetensors(folderOf({}), path, path)).toBeUndefined();
  });

  it('are read once where the reader gives all', async () => {
    const path = 'st/scalar.safetensors';
    let times = 0;
    const whole: ReadFile = () => {
      times++;
      return Promise.resolve(bytesOf(path));
    };
    expect(readNumbers((await readSafetensors(whole, path, path))!, 'noise').numbers).toEqual([2.5]);
    expect(times).toBe(1);
  });

  it('hold numbers of 8 bits, each read exactly', () => {
    const tensors = (dtype: string) => {
      const header = JSON.stringify({ x: { dtype, shape: [256], data_offsets: [0, 256] } });
      const bytes = new Uint8Array(8 + header.length + 256);
      new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
      bytes.set(new TextEncoder().encode(header), 8);
      bytes.set(
        Uint8Array.from({ length: 256 }, (_, i) => i),
        8 + header.length,
      );
      return readTensor(parseSafetensors(bytes, 'bytes'), 'x').data;
    };
    const [e4m3, e5m2] = [tensors('F8_E4M3'), tensors('F8_E5M2')];
    expect([0x00, 0x01, 0x07, 0x08, 0x38, 0x7e, 0x7f, 0x80, 0xb8, 0xfe].map((i) => e4m3[i])).toEqual([
      0,
      2 ** -9,
      7 * 2 ** -9,
      2 ** -6,
      1,
      448,
      NaN,
      -0,
      -1,
      -448,
    ]);
    expect([0x00, 0x01, 0x03, 0x04, 0x3c, 0x7b, 0x7c, 0x7d, 0xbc, 0xfc].map((i) => e5m2[i])).toEqual([
      0,
      2 ** -16,
      3 * 2 ** -16,
      2 ** -14,
      1,
      57344,
      Infinity,
      NaN,
      -1,
      -Infinity,
    ]);
  });

  /** Those that the format's own reader refuses, and why we do. */
  const refusals: Readonly<Record<string, string>> = {
    'dup-keys': 'names the key "noise" twice',
    empty: 'the file has 0 bytes',
    gguf: 'is a GGUF file',
    hole: '"noise" begins at byte 4 of the data, but the tensor before it ends at 0',
    lfs: 'is a Git-LFS pointer',
    lowercase: '"noise" has dtype "f32"; known are F64',
    'meta-number': '"__metadata__" must be an object of texts',
    pickle: 'is a pickle',
    trailing: 'the tensors take 4 bytes, but the file holds 8 bytes of data',
    zip: 'is a zip archive',
  };
  const names = readdirSync(fixture('cases/st')).map((file) => file.replace('.safetensors', ''));

  it.each(names)('%s', async (name) => {
    const path = `st/${name}.safetensors`;
    const reading = readSafetensors(folderOf({ [path]: bytesOf(path) }), path, path);
    if (Object.hasOwn(refusals, name)) {
      await expect(reading).rejects.toThrow(refusals[name]);
      expect(() => parseSafetensors(bytesOf(path), path)).toThrow(refusals[name]);
      return;
    }
    const file = await reading;
    expect(file).toEqual(parseSafetensors(bytesOf(path), path));
    if (!file?.entries.has('noise')) return;
    const expected: Readonly<Record<string, readonly number[]>> = {
      bool: [1, 0],
      scalar: [2.5],
      'header-unaligned': [1, 2],
      unaligned: [1, 2],
    };
    expect(readNumbers(file, 'noise').numbers).toEqual(expected[name] ?? [1]);
    if (!file.entries.has('x')) return;
    const dtype = file.entries.get('x')?.dtype ?? '';
    if (/^U\d|E4M3$|E5M2$/.test(dtype)) expect(readNumbers(file, 'x').numbers).toEqual([0, 0]);
    else expect(() => readNumbers(file, 'x')).toThrow(`"x" holds ${dtype}; expected whole or floating-point numbers`);
  });
});
