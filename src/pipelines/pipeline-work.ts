/** What a run of a pipeline will take, before it is begun. */
import { passLoad, type PassLoad } from '../models/cost.ts';
import { unperturbed } from '../models/stage.ts';
import type { Guidance } from '../guidance/guidance.ts';
import type { Condition } from '../models/condition.ts';
import type { Model } from '../models/model.ts';
import { leastBytes, leastWork, type Work } from '../sampling/work.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { at } from '../tensor/at.ts';
import { zeros } from '../tensor/tensor.ts';
import { timeIdCount } from './check-parts.ts';
import type { StableDiffusion } from './stable-diffusion.ts';

/** A run that is not begun. */
export interface PlannedPictures {
  readonly guidance: Guidance;
  readonly scheduler: Scheduler;
  /** Of the latents, [N,C,h,w]. */
  readonly shape: readonly number[];
  /** How many different texts are encoded. */
  readonly texts: number;
}

/**
 * The least that a run takes: its texts, the passes of its UNet, and its pictures; a picture that it begins with is not
 * counted, nor are tiles. Nothing is computed.
 * @throws InputError when the shape does not fit the models
 */
export function pipelineWork(pipeline: StableDiffusion, { guidance, scheduler, shape, texts }: PlannedPictures): Work {
  const { unet, autoencoder } = pipeline;
  const [count = 0, , ...size] = shape;
  const condition = blankCondition(pipeline);
  const drawing = leastWork({
    models: { main: unet },
    conditions: { given: condition, null: condition },
    guidance,
    scheduler,
    shape: [count, unet.inChannels, ...size],
  });
  const encoding = pipeline.texts.map(({ tokenize, encoder }) => {
    const inputIds = Array.from({ length: texts }, () => tokenize('').ids);
    return worked(encoder, passLoad(encoder, { inputIds }, [unperturbed]));
  });
  const sample = { dtype: 'f32', shape: [1, ...shape.slice(1)], data: new Float32Array(0) } as const;
  const { decoder } = autoencoder;
  const decoding = worked(decoder, passLoad(decoder, { sample }, [unperturbed]));
  return {
    products: encoding.reduce((sum, { products }) => sum + products, drawing.products + count * decoding.products),
    bytes: [...encoding, decoding].reduce((most, { bytes }) => Math.max(most, bytes), drawing.bytes),
    drawing: drawing.products,
  };
}

function worked(model: Pick<Model, 'dtype' | 'weights'>, load: PassLoad): Work {
  return { products: load.products, bytes: leastBytes(model, load) };
}

/** Zeros in the shape of what the UNet is told. */
function blankCondition({ texts, unet }: StableDiffusion): Condition {
  const { crossAttentionDim, timeCondProjDim } = unet.config;
  const length = at(texts, 0).tokenize('').ids.length;
  const pooled = texts[1]?.encoder.config.projectionDim;
  return {
    encoderHiddenStates: zeros('f32', [1, length, crossAttentionDim]),
    ...(pooled !== undefined && {
      textEmbeds: zeros('f32', [1, pooled]),
      timeIds: zeros('f32', [1, timeIdCount]),
    }),
    ...(timeCondProjDim !== undefined && { timestepCond: zeros('f32', [1, timeCondProjDim]) }),
  };
}
