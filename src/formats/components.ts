/** The parts of a pipeline, each in a folder of its own. */
import { decoderKLArchitecture, encoderKLArchitecture } from '../models/autoencoder-kl/autoencoder-kl.ts';
import { readAutoencoderKLConfig, type AutoencoderKLConfig } from '../models/autoencoder-kl/config.ts';
import { tinyDecoderArchitecture, tinyEncoderArchitecture } from '../models/autoencoder-tiny/autoencoder-tiny.ts';
import { readAutoencoderTinyConfig, type AutoencoderTinyConfig } from '../models/autoencoder-tiny/config.ts';
import { clipTextArchitecture } from '../models/clip-text/clip-text.ts';
import { readClipTextConfig, type ClipTextConfig } from '../models/clip-text/config.ts';
import { withoutPrefix } from '../models/clip-text/weights.ts';
import { readUNetConditionConfig, type UNetConditionConfig } from '../models/unet2d-condition/config.ts';
import { unetConditionArchitecture } from '../models/unet2d-condition/unet-condition.ts';
import type { ComponentKind } from './model-files.ts';

/** The kinds of models that are parts of a pipeline, by their classes. */
export const componentKinds: {
  readonly UNet2DConditionModel: ComponentKind<UNetConditionConfig>;
  readonly CLIPTextModel: ComponentKind<ClipTextConfig>;
  readonly AutoencoderKL: ComponentKind<AutoencoderKLConfig>;
  readonly AutoencoderTiny: ComponentKind<AutoencoderTinyConfig>;
} = {
  UNet2DConditionModel: {
    read: readUNetConditionConfig,
    stages: (config) => unetConditionArchitecture(config).stages,
  },
  CLIPTextModel: {
    read: readClipTextConfig,
    stages: (config) => clipTextArchitecture(config).stages,
    stem: 'model',
    rename: withoutPrefix,
  },
  AutoencoderKL: {
    read: readAutoencoderKLConfig,
    stages: (config) => [...encoderKLArchitecture(config).stages, ...decoderKLArchitecture(config).stages],
  },
  AutoencoderTiny: {
    read: readAutoencoderTinyConfig,
    stages: (config) => [...tinyEncoderArchitecture(config).stages, ...tinyDecoderArchitecture(config).stages],
  },
};
