/** The models of a case, as an implementation builds them. The weights may be those of some of their modules only. */
import { decoderKLArchitecture, encoderKLArchitecture } from '../../models/autoencoder-kl/autoencoder-kl.ts';
import { parseAutoencoderKLConfig, type AutoencoderKLConfig } from '../../models/autoencoder-kl/config.ts';
import type { PictureModel } from '../../models/autoencoder.ts';
import { clipTextArchitecture, type ClipText } from '../../models/clip-text/clip-text.ts';
import { parseClipTextConfig } from '../../models/clip-text/config.ts';
import { withWeights, type Architecture, type Model } from '../../models/model.ts';
import { parseUNetConditionConfig } from '../../models/unet2d-condition/config.ts';
import { unetConditionArchitecture, type UNetCondition } from '../../models/unet2d-condition/unet-condition.ts';
import { parseUNetConfig } from '../../models/unet2d/config.ts';
import { unetArchitecture, type UNet } from '../../models/unet2d/unet.ts';
import type { Config } from '../../schedulers/options.ts';
import type { Means } from './recipe.ts';

const source = 'case.json';

/** A UNet2DModel. */
export function buildUNet(config: Config, means: Means): UNet {
  const { implementation } = means;
  const understood = implementation.config(parseUNetConfig(config, source));
  return built(unetArchitecture(understood, implementation), means);
}

/** A UNet2DConditionModel. */
export function buildConditionUNet(config: Config, means: Means): UNetCondition {
  const { implementation } = means;
  const understood = implementation.conditionConfig(parseUNetConditionConfig(config, source));
  return built(unetConditionArchitecture(understood, implementation), means);
}

/** A text encoder. */
export function buildTextEncoder(config: Config, means: Means): ClipText {
  const { implementation } = means;
  const architecture = clipTextArchitecture(implementation.textConfig(parseClipTextConfig(config, source)));
  const tensors: ClipText['tensors'] = (input, ...rest) =>
    implementation.textTensors(architecture.tensors(input, ...rest), input.inputIds);
  return built({ ...architecture, tensors }, means);
}

/** One way of an AutoencoderKL. */
export function buildAutoencoder(
  config: Config,
  way: 'encode' | 'decode',
  means: Means,
): PictureModel<AutoencoderKLConfig> {
  const understood = means.implementation.autoencoderConfig(parseAutoencoderKLConfig(config, source));
  return built(way === 'encode' ? encoderKLArchitecture(understood) : decoderKLArchitecture(understood), means);
}

/** What belongs to one part of a pipeline: its weights without the part's name, its values under that name. */
export function partOf(means: Means, part: string): Means {
  const prefix = `${part}.`;
  const own = [...means.weights].filter(([name]) => name.startsWith(prefix));
  return {
    ...means,
    weights: new Map(own.map(([name, value]) => [name.slice(prefix.length), value])),
    show: (name, value) => means.show(prefix + name, value),
    watches: (name) => means.watches(prefix + name),
  };
}

function built<ModelConfig, Input, State extends object>(
  architecture: Architecture<ModelConfig, Input, State>,
  { implementation, weights, dtype }: Means,
): Model<ModelConfig, Input, State> {
  const stages = implementation.stages(architecture.stages);
  return withWeights({ ...architecture, stages }, implementation.weights(weights), dtype);
}
