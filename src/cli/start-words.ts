/**
 * The second picture of `npm start`: the small model that does what words say, from the same noise without a prompt and
 * with eight.
 */
import type { GridRow } from '../formats/grid.ts';
import { folderReader } from '../formats/node-files.ts';
import { cfg } from '../guidance/cfg.ts';
import { none } from '../guidance/none.ts';
import type { Backend } from '../kernels/kernels.ts';
import { picturesOf } from '../pipelines/latents.ts';
import { promptConditions } from '../pipelines/prompts.ts';
import { loadStableDiffusion, type StableDiffusion } from '../pipelines/stable-diffusion.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { manualSeed } from '../tensor/random.ts';
import { follow } from './follow.ts';
import { wordsModel } from './shipped.ts';

const styles = ['light', 'bold', 'italic', 'bold italic', 'condensed', 'monospaced', 'serif', 'sans serif'];
const letter = 'G';
const guidanceScale = 3;

/** A row of pictures, and how long it took. */
export interface WordsRow {
  readonly row: GridRow;
  readonly seconds: number;
}

/** The rows of the picture, one after the other. */
export async function* drawWords(backend: Backend, stepCount: number): AsyncGenerator<WordsRow, void, void> {
  const pipeline = await loadStableDiffusion(await folderReader(wordsModel), wordsModel, 'f32');
  yield draw(pipeline, backend, stepCount, 'no prompt', undefined);
  const asked = `${letter}: ${styles.join(', ')}`;
  yield draw(pipeline, backend, stepCount, asked, guidanceScale);
}

async function draw(
  pipeline: StableDiffusion,
  backend: Backend,
  stepCount: number,
  title: string,
  g: number | undefined,
): Promise<WordsRow> {
  const { randn } = manualSeed(0);
  const prompts = styles.map((style) => (g === undefined ? '' : `a ${style} letter ${letter}`));
  const started = performance.now();
  const { inChannels, sampleSize } = pipeline.unet.config;
  const [height = 16, width = 16] = sampleSize ?? [];
  const run = {
    denoiser: denoiserOf({ main: pipeline.unet }, backend, promptConditions(pipeline, backend, { prompts })),
    guidance: g === undefined ? none : cfg(g),
    scheduler: createScheduler(pipeline.schedulerConfig ?? { _class_name: 'DDIMScheduler' }, stepCount),
    noise: randn([prompts.length, inChannels, height, width]),
    noiseSource: randn,
  };
  const { sample } = await follow(run, title);
  const samples = picturesOf(pipeline, backend, sample);
  return { row: { title, samples }, seconds: (performance.now() - started) / 1000 };
}
