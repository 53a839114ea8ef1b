/**
 * From words to a picture: the letters model that obeys words, against StableDiffusionPAGPipeline step by step, with
 * CFG and PAG together and PAG alone. The folder is read as it is.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { componentKinds } from '../../src/formats/components.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import { readNumbers, readTensor } from '../../src/formats/safetensors.ts';
import { cfgPag, pag } from '../../src/guidance/pag.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { createAutoencoderKL, decodeLatents, unscaledLatents } from '../../src/models/autoencoder-kl/autoencoder-kl.ts';
import { createClipText, encodeText } from '../../src/models/clip-text/clip-text.ts';
import { createUNetCondition } from '../../src/models/unet2d-condition/unet-condition.ts';
import { loadTokenizer } from '../../src/pipelines/tokenizer-folder.ts';
import { denoiserOf } from '../../src/sampling/denoiser.ts';
import { sampleSteps } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { clamp, mapElements } from '../../src/tensor/arithmetic.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture, loadFixtureFiles, loadFixtureJson, metadataOf, openGoldens } from '../goldens.ts';
import { dtypesOfLarge } from '../thorough.ts';

const folder = 'letters-text/model';
const file = openGoldens('letters-text/golden.safetensors');

interface Prompt {
  readonly prompt: string;
  readonly embedded: boolean;
}
interface Run {
  readonly prompt: string;
  readonly guidance_scale: number;
  readonly pag_scale: number;
  readonly num_inference_steps: number;
  readonly pag_layers: readonly string[];
  readonly timesteps: readonly number[];
}

const prompts = metadataOf<readonly Prompt[]>(file, 'prompts');
const runs = metadataOf<Readonly<Record<string, Run>>>(file, 'runs');
const idsOf = (prompt: string): readonly number[] =>
  readNumbers(file, `ids/${prompts.findIndex((each) => each.prompt === prompt)}`).numbers;

const backends: Readonly<Record<'f32' | 'f64', Backend>> = { f32: simdBackend(), f64: referenceBackend() };
afterAll(() => backends.f32.dispose());

describe.each(dtypesOfLarge)('the letters model that obeys words, in %s', async (dtype) => {
  const backend = backends[dtype];
  const load = componentKinds;
  const text = await loadFixtureFiles(`${folder}/text_encoder`, load.CLIPTextModel);
  const unet = await loadFixtureFiles(`${folder}/unet`, load.UNet2DConditionModel);
  const vae = await loadFixtureFiles(`${folder}/vae`, load.AutoencoderKL);
  const encoder = createClipText(text.config, text.weights, dtype);
  const denoising = createUNetCondition(unet.config, unet.weights, dtype);
  const autoencoder = createAutoencoderKL(vae.config, vae.weights, dtype);
  const embedded = (prompt: string): Tensor =>
    encodeText(encoder, backend, { inputIds: [idsOf(prompt)] }).lastHiddenState;

  it.each(prompts.map(({ prompt }) => prompt))('makes the tokens of transformers of "%s"', async (prompt) => {
    const tokenize = await loadTokenizer(await folderReader(fixture(`${folder}/tokenizer`)), '', folder);
    expect(tokenize(prompt).ids).toEqual(idsOf(prompt));
  });

  it('is read without a word to be said of it', () => {
    expect([text, unet, vae].flatMap(({ warnings }) => warnings)).toEqual([]);
  });

  it.each(prompts.filter((prompt) => prompt.embedded).map(({ prompt }) => prompt))('encodes "%s"', (prompt) => {
    const i = prompts.findIndex((each) => each.prompt === prompt);
    expect(disagreement(embedded(prompt), goldenOf(file, `text/${i}`))).toBeUndefined();
  });

  it.each(Object.entries(runs))('draws "%s" step by step', async (name, run) => {
    const config = await loadFixtureJson(`${folder}/scheduler`, 'scheduler_config.json');
    const scheduler = createScheduler(config, run.num_inference_steps);
    expect(scheduler.timesteps).toEqual(run.timesteps);
    const options = { pagScale: run.pag_scale, layers: run.pag_layers };
    const conditions = {
      given: { encoderHiddenStates: embedded(run.prompt) },
      null: { encoderHiddenStates: embedded('') },
    };
    const steps = sampleSteps({
      denoiser: denoiserOf({ main: denoising }, backend, conditions),
      guidance: run.guidance_scale === 1 ? pag(options) : cfgPag(run.guidance_scale, options),
      scheduler,
      noise: cast(readTensor(file, `${name}/noise`), dtype),
      noiseSource: () => {
        throw new Error('DDIM draws no noise');
      },
    });
    let latents: Tensor | undefined;
    for (const { index, sample } of steps) {
      expect(disagreement(sample, goldenOf(file, `${name}/step.${index}`)), `step ${index}`).toBeUndefined();
      latents = sample;
    }
    if (!latents) throw new Error('there was no step');
    const decoded = decodeLatents(autoencoder, backend, unscaledLatents(vae.config, latents));
    const picture = clamp(
      mapElements(decoded, (value) => value / 2 + 0.5),
      0,
      1,
    );
    expect(disagreement(picture, goldenOf(file, `${name}/picture`))).toBeUndefined();
  });
});
