/**
 * The parameters that a UNet2DModel of a given config has, in the order in which diffusers constructs their modules.
 * The order matters to those who want torch's default initialisation for a seed.
 */
import { InputError } from '../../tensor/errors.ts';
import { sameShape, shapeText, type Tensor } from '../../tensor/tensor.ts';
import type { UNetConfig } from './config.ts';

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** The module that holds it: it decides how torch initialises it. */
  readonly module: 'convolution' | 'linear' | 'norm' | 'embedding' | 'fourier';
}

/** All parameters, module by module; a module's weight comes before its bias. */
export function unetParameters(config: UNetConfig): readonly Parameter[] {
  const parameters: Parameter[] = [];
  const convolution = (path: string, from: number, to: number, kernel: number): void => {
    parameters.push({ name: `${path}.weight`, shape: [to, from, kernel, kernel], module: 'convolution' });
    parameters.push({ name: `${path}.bias`, shape: [to], module: 'convolution' });
  };
  const linear = (path: string, from: number, to: number): void => {
    parameters.push({ name: `${path}.weight`, shape: [to, from], module: 'linear' });
    parameters.push({ name: `${path}.bias`, shape: [to], module: 'linear' });
  };
  const norm = (path: string, channels: number): void => {
    parameters.push({ name: `${path}.weight`, shape: [channels], module: 'norm' });
    parameters.push({ name: `${path}.bias`, shape: [channels], module: 'norm' });
  };
  const temb = config.timeEmbeddingDim;
  const resnet = (path: string, from: number, to: number): void => {
    norm(`${path}.norm1`, from);
    convolution(`${path}.conv1`, from, to, 3);
    linear(`${path}.time_emb_proj`, temb, config.timeScaleShift === 'scale_shift' ? 2 * to : to);
    norm(`${path}.norm2`, to);
    convolution(`${path}.conv2`, to, to, 3);
    if (from !== to) convolution(`${path}.conv_shortcut`, from, to, 1);
  };
  const attention = (path: string, channels: number, groups: number | undefined): void => {
    const headDim = config.attentionHeadDim ?? channels;
    const inner = Math.floor(channels / headDim) * headDim;
    if (groups !== undefined) norm(`${path}.group_norm`, channels);
    linear(`${path}.to_q`, channels, inner);
    linear(`${path}.to_k`, channels, inner);
    linear(`${path}.to_v`, channels, inner);
    linear(`${path}.to_out.0`, inner, channels);
  };
  const timeMlp = (path: string, from: number): void => {
    linear(`${path}.linear_1`, from, temb);
    linear(`${path}.linear_2`, temb, temb);
  };

  const channels = config.blockOutChannels;
  const first = channels[0];
  const last = channels.at(-1)!;
  const groups = config.normNumGroups;
  const blocks = channels.length;

  convolution('conv_in', config.inChannels, first, 3);
  if (config.timeEmbeddingType === 'fourier')
    parameters.push({ name: 'time_proj.weight', shape: [first], module: 'fourier' });
  if (config.timeEmbeddingType === 'learned') {
    parameters.push({ name: 'time_proj.weight', shape: [config.numTrainTimesteps!, first], module: 'embedding' });
  }
  const timeInput = config.timeEmbeddingType === 'fourier' ? 2 * first : first;
  timeMlp('time_embedding', timeInput);
  if (config.classEmbedding === 'lookup') {
    parameters.push({ name: 'class_embedding.weight', shape: [config.numClassEmbeds!, temb], module: 'embedding' });
  }
  if (config.classEmbedding === 'timestep') timeMlp('class_embedding', timeInput);

  config.downBlockTypes.forEach((type, i) => {
    const path = `down_blocks.${i}`;
    const to = channels[i];
    for (let layer = 0; layer < config.layersPerBlock; layer++) {
      resnet(`${path}.resnets.${layer}`, layer === 0 ? channels[Math.max(0, i - 1)] : to, to);
      if (type === 'AttnDownBlock2D') attention(`${path}.attentions.${layer}`, to, groups);
    }
    if (i === blocks - 1) return;
    if (type === 'ResnetDownsampleBlock2D' || (type === 'AttnDownBlock2D' && config.downsampleType === 'resnet')) {
      resnet(`${path}.downsamplers.0`, to, to);
    } else {
      convolution(`${path}.downsamplers.0.conv`, to, to, 3);
    }
  });

  if (config.hasMidBlock) {
    resnet('mid_block.resnets.0', last, last);
    if (config.addAttention) attention('mid_block.attentions.0', last, config.midAttentionGroups);
    resnet('mid_block.resnets.1', last, last);
  }

  config.upBlockTypes.forEach((type, i) => {
    const path = `up_blocks.${i}`;
    const to = channels[blocks - 1 - i];
    const previous = channels[Math.min(blocks - 1, blocks - i)];
    const lower = channels[Math.max(0, blocks - 2 - i)];
    for (let layer = 0; layer <= config.layersPerBlock; layer++) {
      const hidden = layer === 0 ? previous : to;
      const skip = layer === config.layersPerBlock ? lower : to;
      resnet(`${path}.resnets.${layer}`, hidden + skip, to);
      if (type === 'AttnUpBlock2D') attention(`${path}.attentions.${layer}`, to, groups);
    }
    if (i === blocks - 1) return;
    if (type === 'ResnetUpsampleBlock2D' || (type === 'AttnUpBlock2D' && config.upsampleType === 'resnet')) {
      resnet(`${path}.upsamplers.0`, to, to);
    } else {
      convolution(`${path}.upsamplers.0.conv`, to, to, 3);
    }
  });

  norm('conv_norm_out', first);
  convolution('conv_out', first, config.outChannels, 3);
  return parameters;
}

/**
 * Checks that `weights` are those of the model that `config` describes: none missing, none too many, each of its shape.
 * @throws InputError naming the first weight that is wrong, its shape, and the shape that the config asks for
 */
export function checkWeights(config: UNetConfig, weights: ReadonlyMap<string, Tensor>, source = 'the weights'): void {
  const expected = new Map(unetParameters(config).map((parameter) => [parameter.name, parameter.shape]));
  for (const [name, shape] of expected) {
    const found = weights.get(name);
    if (!found) throw new InputError(`${source}: "${name}" ${shapeText(shape)} is missing; the config asks for it`);
    if (!sameShape(found.shape, shape)) {
      throw new InputError(
        `${source}: "${name}" has shape ${shapeText(found.shape)}, but the config asks for ${shapeText(shape)}`,
      );
    }
  }
  for (const name of weights.keys()) {
    if (!expected.has(name))
      throw new InputError(`${source}: "${name}" belongs to no module of the model that the config describes`);
  }
}
