/** Whether the parts of a pipeline fit one another. */
import type { AutoencoderKL } from '../models/autoencoder-kl/autoencoder-kl.ts';
import type { AutoencoderTiny } from '../models/autoencoder-tiny/autoencoder-tiny.ts';
import type { ClipText } from '../models/clip-text/clip-text.ts';
import type { UNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { withParts } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';

/** The models of a pipeline. */
export interface Parts {
  /** One text encoder, or the two of XL. */
  readonly encoders: readonly ClipText[];
  readonly unet: UNetCondition;
  readonly autoencoder: AutoencoderKL | AutoencoderTiny;
}

/** What of a pipeline may be asked for. */
type Part = 'texts' | 'unet' | 'autoencoder';

/** @throws InputError for what is no pipeline, or lacks what of it is asked for */
export function checkPipeline(pipeline: unknown, ...parts: readonly Part[]): void {
  withParts<Readonly<Record<Part, unknown>>>('one, as loadStableDiffusion gives it', ...parts)(
    'the pipeline',
    pipeline,
  );
}

/** How many numbers tell XL's UNet of original size, crop and target size. */
export const timeIdCount = 6;

/** @throws InputError that names the two parts that do not fit, and what each has */
export function checkParts(parts: Parts, source: string): void {
  const wrong = [textMisfit(parts), ...conditionMisfits(parts), latentMisfit(parts)].find(
    (found) => found !== undefined,
  );
  if (wrong !== undefined) throw new InputError(`${source}: ${wrong}`);
}

type Misfit = string | undefined;

function textMisfit({ encoders, unet }: Parts): Misfit {
  const sizes = encoders.map(({ config }) => config.hiddenSize);
  const given = sizes.reduce((sum, size) => sum + size, 0);
  const { crossAttentionDim } = unet.config;
  if (given === crossAttentionDim) return undefined;
  const who = sizes.length === 1 ? 'the text encoder gives' : 'the text encoders together give';
  return `${who} tokens of ${sizes.join(' + ')} numbers, but the UNet takes ${crossAttentionDim} (cross_attention_dim)`;
}

/** What a UNet may be told besides the text: XL's pooled text and time ids, and nothing else. */
function conditionMisfits({ encoders, unet }: Parts): readonly Misfit[] {
  const { config } = unet;
  const isXl = encoders.length > 1;
  const wanted = isXl ? 'text_time' : undefined;
  const pooled = encoders.at(-1)?.config.projectionDim ?? 0;
  const added = pooled + timeIdCount * (config.additionTimeEmbedDim ?? 0);
  const takes = config.projectionClassEmbeddingsInputDim;
  return [
    config.encoderHidDimType &&
      `the UNet projects what it is given (encoder_hid_dim_type "${config.encoderHidDimType}")`,
    config.classEmbedding === 'none'
      ? undefined
      : 'the UNet wants class labels besides the text, as those that make pictures larger or vary them do',
    config.additionEmbedType === wanted
      ? undefined
      : `the UNet's addition_embed_type is ${JSON.stringify(config.additionEmbedType ?? null)}, but with ` +
        `${encoders.length} text encoder${isXl ? 's' : ''} it must be ${JSON.stringify(wanted ?? null)}`,
    isXl && takes !== added
      ? `pooled text and ${timeIdCount} time ids become ${added} numbers, but the UNet takes ${takes} ` +
        '(projection_class_embeddings_input_dim)'
      : undefined,
  ];
}

function latentMisfit({ unet, autoencoder }: Parts): Misfit {
  const { latentChannels } = autoencoder.config;
  // The UNet of inpainting is given the mask and the picture that it leaves, too.
  if ([latentChannels, 2 * latentChannels + 1].includes(unet.inChannels) && unet.outChannels === latentChannels)
    return undefined;
  return (
    `the UNet makes ${unet.outChannels} channels of ${unet.inChannels}, but the autoencoder has ${latentChannels}; ` +
    `expected ${latentChannels} of ${latentChannels}, or of ${2 * latentChannels + 1} for inpainting`
  );
}
