/** Letters that words ask for: the small pipeline of Stable Diffusion's kind that ships, with CFG and PAG. */
import type { ReadFile } from '../../formats/read-file.ts';
import { cfgPag } from '../../guidance/pag.ts';
import type { Backend } from '../../kernels/kernels.ts';
import { picturesOf } from '../../pipelines/latents.ts';
import { promptConditions } from '../../pipelines/prompts.ts';
import { loadStableDiffusion, type StableDiffusion } from '../../pipelines/stable-diffusion.ts';
import { denoiserOf } from '../../sampling/denoiser.ts';
import { sampleSteps } from '../../sampling/sample.ts';
import { createScheduler } from '../../schedulers/registry.ts';
import { manualSeed } from '../../tensor/random.ts';
import { present } from '../checked.ts';
import type { WordsRequest, WordsResult } from '../protocol.ts';
import { stepCount, wordsPictures } from '../study.ts';

/** Where PAG acts in it, as in Stable Diffusion: the self-attention of the middle block. */
const layers = ['mid'];

/**
 * Loads the pipeline.
 * @param readFile reads the files of its folder
 * @throws InputError when files are missing or wrong
 */
export async function openWords(readFile: ReadFile) {
  const pipeline = await loadStableDiffusion(readFile, 'words', 'f32');
  return (backend: Backend, request: WordsRequest) => drawWords(pipeline, backend, request);
}

/** Yields what the pipeline believes in after every step, and in the end the pictures. */
function* drawWords(
  pipeline: StableDiffusion,
  backend: Backend,
  { prompt, seed, guidanceScale, pagScale }: WordsRequest,
): Generator<WordsResult, void, void> {
  const prompts = Array.from({ length: wordsPictures }, () => prompt);
  const { inChannels, sampleSize } = pipeline.unet.config;
  const [height, width] = present(sampleSize, 'sample_size in the config of the text model');
  const { randn } = manualSeed(seed);
  const steps = sampleSteps({
    denoiser: denoiserOf({ main: pipeline.unet }, backend, promptConditions(pipeline, backend, { prompts })),
    guidance: cfgPag(guidanceScale, { pagScale, layers }),
    scheduler: createScheduler(pipeline.schedulerConfig ?? { _class_name: 'DDIMScheduler' }, stepCount),
    noise: randn([wordsPictures, inChannels, height, width]),
    noiseSource: randn,
  });
  const { cut } = pipeline.texts[0].tokenize(prompt);
  for (const { index, sample, denoised } of steps) {
    const shown = index === stepCount - 1 ? sample : present(denoised, 'x̂₀ of the scheduler');
    yield { kind: 'step', pictures: picturesOf(pipeline, backend, shown), cut };
  }
}
