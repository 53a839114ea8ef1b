/** The configs of models that people have, as their `config.json` gives them; the weights are ours to draw. */
import type { componentKinds } from '../../src/formats/components.ts';

/** A part of a pipeline, in its folder. */
export interface Part {
  readonly kind: keyof typeof componentKinds;
  readonly config: Readonly<Record<string, unknown>>;
}

/** A folder to be made: a pipeline by its parts, or a UNet2DModel alone. */
export type Folder =
  | { readonly pipeline: string; readonly scheduler: object; readonly parts: Readonly<Record<string, Part>> }
  | { readonly unet: Readonly<Record<string, unknown>> };

const conditionUnet = (own: object): Part => ({
  kind: 'UNet2DConditionModel',
  config: {
    ...{ _class_name: 'UNet2DConditionModel', act_fn: 'silu', center_input_sample: false, downsample_padding: 1 },
    ...{ flip_sin_to_cos: true, freq_shift: 0, in_channels: 4, layers_per_block: 2, mid_block_scale_factor: 1 },
    ...{ norm_eps: 1e-5, norm_num_groups: 32, out_channels: 4 },
    ...own,
  },
});

const fourBlocks = {
  block_out_channels: [320, 640, 1280, 1280],
  down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
};

const clipText = (width: number, layers: number, own: object): Part => ({
  kind: 'CLIPTextModel',
  config: {
    ...{ architectures: ['CLIPTextModel'], model_type: 'clip_text_model', vocab_size: 49408 },
    ...{ hidden_size: width, intermediate_size: 4 * width, num_hidden_layers: layers },
    ...{ num_attention_heads: width / 64, max_position_embeddings: 77, layer_norm_eps: 1e-5 },
    ...{ bos_token_id: 0, eos_token_id: 2, pad_token_id: 1 },
    ...own,
  },
});

const largeClip = { architectures: ['CLIPTextModel'], hidden_act: 'quick_gelu', projection_dim: 768 };

const autoencoder = (own: object): Part => ({
  kind: 'AutoencoderKL',
  config: {
    ...{ _class_name: 'AutoencoderKL', act_fn: 'silu', block_out_channels: [128, 256, 512, 512] },
    down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D', 'DownEncoderBlock2D', 'DownEncoderBlock2D'],
    up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D', 'UpDecoderBlock2D'],
    ...{ in_channels: 3, out_channels: 3, latent_channels: 4, layers_per_block: 2, norm_num_groups: 32 },
    ...own,
  },
});

const levels = { beta_schedule: 'scaled_linear', beta_start: 0.00085, beta_end: 0.012, num_train_timesteps: 1000 };
const ddim = { _class_name: 'DDIMScheduler', ...levels, clip_sample: false, set_alpha_to_one: false, steps_offset: 1 };

/** The folders, by the names that the command knows them under. */
export const folders: Readonly<Record<string, Folder>> = {
  cifar10: {
    unet: {
      ...{ _class_name: 'UNet2DModel', sample_size: 32, in_channels: 3, out_channels: 3, layers_per_block: 2 },
      block_out_channels: [128, 256, 256, 256],
      down_block_types: ['DownBlock2D', 'AttnDownBlock2D', 'DownBlock2D', 'DownBlock2D'],
      up_block_types: ['UpBlock2D', 'UpBlock2D', 'AttnUpBlock2D', 'UpBlock2D'],
      ...{ attention_head_dim: null, downsample_padding: 0, flip_sin_to_cos: false, freq_shift: 1, norm_eps: 1e-6 },
    },
  },
  adm64: {
    unet: {
      ...{ _class_name: 'UNet2DModel', sample_size: 64, in_channels: 3, out_channels: 6, layers_per_block: 3 },
      block_out_channels: [192, 384, 576, 768],
      down_block_types: ['ResnetDownsampleBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D', 'AttnDownBlock2D'],
      up_block_types: ['AttnUpBlock2D', 'AttnUpBlock2D', 'AttnUpBlock2D', 'ResnetUpsampleBlock2D'],
      ...{ attention_head_dim: 64, num_class_embeds: 1000, resnet_time_scale_shift: 'scale_shift' },
      ...{ downsample_type: 'resnet', upsample_type: 'resnet' },
    },
  },
  sd15: {
    pipeline: 'StableDiffusionPipeline',
    scheduler: ddim,
    parts: {
      text_encoder: clipText(768, 12, largeClip),
      unet: conditionUnet({ ...fourBlocks, attention_head_dim: 8, cross_attention_dim: 768, sample_size: 64 }),
      vae: autoencoder({ sample_size: 512, scaling_factor: 0.18215 }),
    },
  },
  sd21: {
    pipeline: 'StableDiffusionPipeline',
    scheduler: { ...ddim, prediction_type: 'v_prediction' },
    parts: {
      text_encoder: clipText(1024, 23, { hidden_act: 'gelu', projection_dim: 512 }),
      unet: conditionUnet({
        ...fourBlocks,
        ...{ attention_head_dim: [5, 10, 20, 20], cross_attention_dim: 1024, sample_size: 96 },
        ...{ use_linear_projection: true, upcast_attention: true },
      }),
      vae: autoencoder({ sample_size: 768, scaling_factor: 0.18215 }),
    },
  },
  sdxl: {
    pipeline: 'StableDiffusionXLPipeline',
    scheduler: ddim,
    parts: {
      text_encoder: clipText(768, 12, largeClip),
      text_encoder_2: clipText(1280, 32, {
        ...{ architectures: ['CLIPTextModelWithProjection'], hidden_act: 'gelu', projection_dim: 1280 },
      }),
      unet: conditionUnet({
        block_out_channels: [320, 640, 1280],
        down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
        up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D', 'UpBlock2D'],
        ...{ attention_head_dim: [5, 10, 20], transformer_layers_per_block: [1, 2, 10], cross_attention_dim: 2048 },
        ...{ use_linear_projection: true, sample_size: 128, addition_embed_type: 'text_time' },
        ...{ addition_time_embed_dim: 256, projection_class_embeddings_input_dim: 2816 },
      }),
      vae: autoencoder({ sample_size: 1024, scaling_factor: 0.13025, force_upcast: true }),
    },
  },
};
