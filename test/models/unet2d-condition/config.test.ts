import { describe, expect, it } from 'vitest';
import { parseUNetConditionConfig, readUNetConditionConfig } from '../../../src/models/unet2d-condition/config.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { smallConfig } from './models.ts';

describe('parseUNetConditionConfig', () => {
  it('ignores keys that the class does not have, and names them', () => {
    const { config, warnings } = readUNetConditionConfig({ ...smallConfig, add_attention: true }, 'unet/config.json');
    expect(config).toEqual(parseUNetConditionConfig(smallConfig));
    expect(warnings).toEqual([
      'unet/config.json: UNet2DConditionModel has no "add_attention", as in diffusers ignored',
    ]);
  });

  it("fills in diffusers' defaults, and says for each block what the file says once", () => {
    expect(parseUNetConditionConfig({})).toMatchObject({
      sampleSize: undefined,
      inChannels: 4,
      blockOutChannels: [320, 640, 1280, 1280],
      layersPerBlock: [2, 2, 2, 2],
      attentionHeadDim: [8, 8, 8, 8],
      onlyCrossAttention: [false, false, false, false],
      crossAttentionDim: 1280,
      timeEmbeddingDim: 1280,
      midBlockType: 'UNetMidBlock2DCrossAttn',
      classEmbedding: 'none',
      additionEmbedType: undefined,
      encoderHidDimType: undefined,
      transformerLayers: {
        middle: 1,
        down: [
          [1, 1],
          [1, 1],
          [1, 1],
          [1, 1],
        ],
        up: [
          [1, 1, 1],
          [1, 1, 1],
          [1, 1, 1],
          [1, 1, 1],
        ],
      },
    });
  });

  it('turns what the way down says around for the way up, unless that has a list of its own', () => {
    const layers = (change: object) => parseUNetConditionConfig({ ...smallConfig, ...change }).transformerLayers;
    expect(layers({ transformer_layers_per_block: [1, 2] })).toEqual({
      down: [[1], [2]],
      middle: 2,
      up: [
        [2, 2],
        [1, 1],
      ],
    });
    expect(
      layers({ transformer_layers_per_block: [[0], 3], reverse_transformer_layers_per_block: [[1, 2], 4] }),
    ).toEqual({
      down: [[0], [3]],
      middle: 3,
      up: [
        [1, 2],
        [4, 4],
      ],
    });
  });

  it('takes a class type, the text of an encoder, and Fourier features with what they imply', () => {
    expect(parseUNetConditionConfig({ ...smallConfig, num_class_embeds: 3 }).classEmbedding).toBe('lookup');
    expect(parseUNetConditionConfig({ ...smallConfig, encoder_hid_dim: 3 }).encoderHidDimType).toBe('text_proj');
    expect(parseUNetConditionConfig({ ...smallConfig, time_embedding_type: 'fourier' }).timeEmbeddingDim).toBe(8);
    expect(parseUNetConditionConfig({ ...smallConfig, cross_attention_dim: [3, 3] }).crossAttentionDim).toBe(3);
    expect(parseUNetConditionConfig({ ...smallConfig, only_cross_attention: true }).midOnlyCrossAttention).toBe(true);
    expect(
      parseUNetConditionConfig({
        ...smallConfig,
        only_cross_attention: true,
        mid_block_only_cross_attention: false,
      }).midOnlyCrossAttention,
    ).toBe(false);
  });

  it.each([
    [{ _class_name: 'UNet2DModel' }, 'the model is a "UNet2DModel"; supported is "UNet2DConditionModel"'],
    [{ num_attention_heads: 8 }, 'num_attention_heads is 8; supported is null'],
    [{ dual_cross_attention: true }, 'dual_cross_attention is true; supported is false'],
    [{ attention_type: 'gated' }, 'attention_type is "gated"; supported is default'],
    [{ down_block_types: ['AttnDownBlock2D', 'DownBlock2D'] }, 'down_block_types names "AttnDownBlock2D"'],
    [{ up_block_types: ['UpBlock2D', 'KUpBlock2D'] }, 'up_block_types names "KUpBlock2D"; supported are UpBlock2D'],
    [{ mid_block_type: 'MidBlock' }, 'mid_block_type is "MidBlock"; supported is UNetMidBlock2DCrossAttn'],
    [{ up_block_types: ['UpBlock2D'] }, 'they must be as many'],
    [{ norm_num_groups: null }, 'norm_num_groups is null'],
    [{ norm_num_groups: 3 }, 'which norm_num_groups = 3 does not divide'],
    [{ layers_per_block: [1] }, 'layers_per_block is [1]; supported is a whole number from 1 on, or a list of 2'],
    [{ layers_per_block: [1, 65] }, 'layers_per_block is [1,65]'],
    [{ layers_per_block: [1, '1'] }, 'layers_per_block is [1,"1"]'],
    [{ attention_head_dim: 3 }, 'attention_head_dim is 3, which does not divide the 4 channels of block 0'],
    [{ attention_head_dim: [2, 3] }, 'attention_head_dim is [2,3], which does not divide the 8 channels of block 1'],
    [{ attention_head_dim: null }, 'attention_head_dim is null'],
    [{ only_cross_attention: [true] }, 'only_cross_attention is [true]; supported is true, false, or 2 of these'],
    [{ mid_block_only_cross_attention: 2 }, 'mid_block_only_cross_attention is 2'],
    [
      { cross_attention_dim: [3, 4] },
      'cross_attention_dim is [3,4]; supported is a whole number, or a list of the same',
    ],
    [{ cross_attention_dim: null }, 'cross_attention_dim is null'],
    [{ cross_attention_norm: 'layer_norm' }, 'cross_attention_norm is "layer_norm"; supported is group_norm'],
    [{ transformer_layers_per_block: [1] }, 'transformer_layers_per_block is [1]'],
    [{ transformer_layers_per_block: [1, [1]] }, 'which needs reverse_transformer_layers_per_block'],
    [{ transformer_layers_per_block: 65 }, 'transformer_layers_per_block is 65; supported is at most 64'],
    [{ reverse_transformer_layers_per_block: [1, [1]] }, 'reverse_transformer_layers_per_block is [1,[1]]'],
    [{ upcast_attention: 'yes' }, 'upcast_attention is "yes"'],
    [{ conv_in_kernel: 4 }, 'conv_in_kernel is 4; supported is an odd number'],
    [{ conv_out_kernel: 2 }, 'conv_out_kernel is 2'],
    [{ time_embedding_type: 'learned' }, 'time_embedding_type is "learned"; supported is positional, fourier'],
    [{ time_embedding_type: 'fourier', time_embedding_dim: 7 }, 'time_embedding_dim is 7'],
    [{ time_embedding_act_fn: 'tanh' }, 'time_embedding_act_fn is "tanh"; supported is silu'],
    [{ timestep_post_act: 'quick_gelu' }, 'timestep_post_act is "quick_gelu"'],
    [{ class_embed_type: 'one-hot' }, 'class_embed_type is "one-hot"'],
    [{ class_embed_type: 'projection' }, 'needs projection_class_embeddings_input_dim'],
    [{ class_embeddings_concat: true }, 'class_embeddings_concat is true, but the model has no classes'],
    [{ addition_embed_type: 'image_hint' }, 'addition_embed_type is "image_hint"; supported is text, text_time'],
    [{ addition_embed_type: 'text_time' }, 'addition_embed_type is "text_time", which needs addition_time_embed_dim'],
    [{ addition_embed_type: 'image' }, 'addition_embed_type is "image", which needs encoder_hid_dim'],
    [{ addition_embed_type: 'text' }, 'addition_embed_type_num_heads is 64, which does not divide 3 channels'],
    [
      {
        addition_embed_type: 'text',
        addition_embed_type_num_heads: 1,
        num_class_embeds: 2,
        class_embeddings_concat: true,
      },
      'addition_embed_type must be null',
    ],
    [{ encoder_hid_dim_type: 'ip_image_proj' }, 'encoder_hid_dim_type is "ip_image_proj"; supported is text_proj'],
    [{ encoder_hid_dim_type: 'text_proj' }, 'encoder_hid_dim_type is "text_proj", which needs encoder_hid_dim'],
    [{ resnet_time_scale_shift: 'spatial' }, 'resnet_time_scale_shift is "spatial"'],
    [{ resnet_out_scale_factor: 0 }, 'resnet_out_scale_factor is 0; supported is a number other than 0'],
    [{ resnet_skip_time_act: 'no' }, 'resnet_skip_time_act is "no"'],
  ])('refuses %j by name', (change, message) => {
    const parse = () => parseUNetConditionConfig({ ...smallConfig, ...change }, 'unet/config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^unet\/config\.json: /);
  });

  it('refuses a norm of the text that its channels do not allow', () => {
    const simple = (channels: number) => () =>
      parseUNetConditionConfig({
        ...smallConfig,
        down_block_types: ['SimpleCrossAttnDownBlock2D', 'DownBlock2D'],
        cross_attention_norm: 'group_norm',
        cross_attention_dim: channels,
      });
    for (const channels of [3, 16, 33, 48]) {
      expect(simple(channels), String(channels)).toThrow(InputError);
      expect(simple(channels), String(channels)).toThrow('whose 32 groups do not divide cross_attention_dim');
    }
    for (const channels of [32, 96]) expect(simple(channels)().crossAttentionDim).toBe(channels);
  });
});
