/** The pictures that `pag train` is given: a folder of PNGs, an .npz of NumPy, or a safetensors file. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readBytes } from '../formats/node-files.ts';
import { readNpy, type NumpyArray } from '../formats/npy.ts';
import { planesOf } from '../formats/picture-tensor.ts';
import { decodePng } from '../formats/png-reader.ts';
import type { Picture } from '../formats/picture.ts';
import { resized } from '../formats/resize.ts';
import { readNumbers, readTensor, type SafetensorsFile } from '../formats/safetensors.ts';
import { readZip } from '../formats/zip.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';
import { at } from '../tensor/at.ts';
import { joinBytes } from '../tensor/bytes.ts';
import { InputError } from '../tensor/errors.ts';
import { sameShape, shapeText } from '../tensor/tensor.ts';
import type { TrainingConfig } from '../training/config.ts';
import type { Pictures } from '../training/pictures.ts';
import { openSafetensors } from './model.ts';

/** Pictures that have been read, and what is to be said of them, a line each. */
export interface ReadPictures {
  readonly pictures: Pictures;
  readonly notes: readonly string[];
}

type DataOptions = TrainingConfig['data'];

/**
 * Reads pictures, in the channels of the model; of bytes in the size that is asked for.
 * @param path of a folder, or of a file that ends in .npz or .safetensors
 * @throws InputError for what cannot be read, or holds no pictures
 */
export async function readPictures(path: string, options: DataOptions, config: UNetConfig): Promise<ReadPictures> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new InputError(`cannot read ${path}: there is no such file or folder`);
  if (found.isDirectory()) return readFolder(path, options, config);
  const kind = /\.(npz|safetensors)$/.exec(path)?.[1];
  if (kind === undefined)
    throw new InputError(`${path} is no folder of PNGs, and ends neither in .npz nor in .safetensors`);
  const read =
    kind === 'npz' ? readNpz(await readBytes(path), basename(path)) : readArrays(await openSafetensors(path));
  return fromArrays(read, options, config, basename(path));
}

/** The arrays of a file by their names. */
interface Arrays {
  readonly names: readonly string[];
  read(name: string): NumpyArray;
}

function readNpz(bytes: Uint8Array, source: string): Arrays {
  const entries = readZip(bytes, source);
  const names = [...entries.keys()].filter((file) => file.endsWith('.npy')).map((file) => file.slice(0, -4));
  const read = (name: string): NumpyArray =>
    readNpy(entries.get(`${name}.npy`)?.content() ?? new Uint8Array(0), `${source}: ${name}`);
  return { names, read };
}

function readArrays(file: SafetensorsFile): Arrays {
  const read = (name: string): NumpyArray => {
    const entry = file.entries.get(name);
    if (entry?.dtype === 'U8') return { shape: entry.shape, numbers: entry.bytes };
    if (entry && /^[IU]\d+$/.test(entry.dtype)) {
      const { shape, numbers } = readNumbers(file, name);
      return { shape, numbers: Float64Array.from(numbers) };
    }
    const { shape, data } = readTensor(file, name);
    return { shape, numbers: data };
  };
  return { names: [...file.entries.keys()], read };
}

function fromArrays({ names, read }: Arrays, options: DataOptions, config: UNetConfig, source: string): ReadPictures {
  const { images, labels } = options;
  if (!names.includes(images))
    throw new InputError(
      `${source}: there is no array "${images}"; it has ${names.join(', ') || 'none'}; data.images names another`,
    );
  const array = channelsFirst(read(images), config.inChannels, `${source}: ${images}`);
  const wantsLabels = labels !== null && config.classEmbedding !== 'none' && names.includes(labels);
  const pictures = sized(array, options.size, `${source}: ${images}`);
  return {
    pictures: { ...pictures, ...(wantsLabels && { labels: labelsIn(read(labels), `${source}: ${labels}`) }) },
    notes: rangeNotes(pictures, source),
  };
}

function labelsIn({ shape, numbers }: NumpyArray, source: string): readonly number[] {
  if (shape.length === 1) return [...numbers];
  throw new InputError(`${source}: the labels are ${shapeText(shape)}; expected [N]`);
}

/** [N,H,W], [N,C,H,W] or [N,H,W,C] as [N,C,H,W]. @param channels C, those of the model */
function channelsFirst({ shape, numbers }: NumpyArray, channels: number, source: string): Pictures {
  const [count = 0, second = 0, third = 0, fourth = 0] = shape;
  const data = asData(numbers, source);
  if (shape.length === 3 && channels === 1) return { shape: [count, 1, second, third], data };
  if (shape.length === 4 && second === channels) return { shape, data };
  if (shape.length !== 4 || fourth !== channels) {
    const flat = channels === 1 ? ', or [N,H,W]' : '';
    throw new InputError(
      `${source}: the pictures are ${shapeText(shape)}; expected [N,C,H,W] or [N,H,W,C]${flat} ` +
        `with C = ${channels}, the model's in_channels`,
    );
  }
  const area = second * third;
  const moved = data.map((_, i) => {
    const [picture, rest] = [Math.floor(i / (area * fourth)), i % (area * fourth)];
    return at(data, picture * area * fourth + (rest % area) * fourth + Math.floor(rest / area));
  });
  return { shape: [count, fourth, second, third], data: moved };
}

function asData(numbers: NumpyArray['numbers'], source: string): Pictures['data'] {
  if (numbers instanceof Uint8Array || numbers instanceof Float32Array) return numbers;
  if (numbers.every(Number.isInteger) && numbers.some((value) => Math.abs(value) > 1))
    throw new InputError(
      `${source}: the pictures are whole numbers of a wide type; save them as uint8, or as floats from −1 to 1`,
    );
  return Float32Array.from(numbers);
}

/** What is to be said of numbers that no usual model draws. */
function rangeNotes({ data }: Pictures, source: string): readonly string[] {
  if (data instanceof Uint8Array) return [];
  const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return largest > 1
    ? [`${source}: the pictures reach to ±${largest}; what is drawn as a picture lies from −1 to 1`]
    : [];
}

function sized(pictures: Pictures, size: DataOptions['size'], source: string): Pictures {
  const { shape, data } = pictures;
  const [count = 0, channels = 0, height = 0, width = 0] = shape;
  const [tall = height, wide = width] = size ?? [];
  if (tall === height && wide === width) return pictures;
  if (!(data instanceof Uint8Array))
    throw new InputError(`${source}: only bytes are resized, but these are floats; leave out data.size`);
  const area = height * width;
  // A channel is resized as a grey picture is.
  const parts = Array.from({ length: count * channels }, (_, plane) => {
    const pixels = data.subarray(plane * area, (plane + 1) * area);
    return resized({ width, height, channels: 1, pixels }, wide, tall).pixels;
  });
  return { shape: [count, channels, tall, wide], data: joinBytes(parts) };
}

/** Each file of a folder of PNGs, and the class that its subfolder stands for. */
interface Listed {
  readonly files: readonly string[];
  readonly labels?: readonly number[];
  readonly notes: readonly string[];
}

async function readFolder(path: string, options: DataOptions, config: UNetConfig): Promise<ReadPictures> {
  const channels = config.inChannels;
  if (channels !== 1 && channels !== 3)
    throw new InputError(`${path}: PNGs have 1 or 3 channels, but the model's in_channels is ${channels}`);
  const { files, labels, notes } = await listPictures(path);
  const [tall, wide] = options.size ?? [];
  let first: Picture | undefined;
  const parts: Uint8Array[] = [];
  for (const file of files) {
    const decoded = decodePng(await readBytes(file), file);
    const picture = tall === undefined || wide === undefined ? decoded : resized(decoded, wide, tall);
    first ??= picture;
    if (!sameShape([picture.height, picture.width], [first.height, first.width]))
      throw new InputError(
        `${file} is ${picture.height} × ${picture.width}, but ${files[0]} ${first.height} × ${first.width}; ` +
          'give data.size to make them alike',
      );
    parts.push(planesOf(picture, channels));
  }
  if (!first) throw new InputError(`${path}: there are no PNG files in it, nor in its subfolders`);
  const shape = [files.length, channels, first.height, first.width];
  const isUsed = labels && options.labels !== null && config.classEmbedding !== 'none';
  return {
    pictures: { shape, data: joinBytes(parts), ...(isUsed && { labels }) },
    notes: isUsed ? notes : [],
  };
}

/**
 * PNGs in the folder itself, without classes; or in subfolders, each a class: its number where all are called by whole
 * numbers, else its place among their names.
 */
async function listPictures(path: string): Promise<Listed> {
  const entries = await readdir(path, { withFileTypes: true });
  const isPng = (file: string): boolean => /\.png$/i.test(file) && !file.startsWith('.');
  const own = entries.filter((entry) => !entry.isDirectory() && isPng(entry.name)).map((entry) => entry.name);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  const inner = await Promise.all(
    folders.sort().map(async (folder) => ({
      folder,
      files: (await readdir(join(path, folder))).filter(isPng).sort(),
    })),
  );
  const classes = inner.filter(({ files }) => files.length > 0);
  if (classes.length === 0) return { files: own.sort().map((file) => join(path, file)), notes: [] };
  if (own.length > 0)
    throw new InputError(`${path} has PNGs (${own[0]}) and subfolders of PNGs (${classes[0]?.folder}); give one kind`);
  const areNumbers = classes.every(({ folder }) => /^(0|[1-9]\d{0,5})$/.test(folder));
  const labelled = classes.map(({ folder, files }, place) => ({ folder, files, label: areNumbers ? +folder : place }));
  return {
    files: labelled.flatMap(({ folder, files }) => files.map((file) => join(path, folder, file))),
    labels: labelled.flatMap(({ label, files }) => files.map(() => label)),
    notes: [`the classes are ${labelled.map(({ folder, label }) => `${label} (${folder})`).join(', ')}`],
  };
}
