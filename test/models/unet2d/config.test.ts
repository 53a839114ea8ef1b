import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/tensor/errors.ts';
import { parseUNetConfig } from '../../../src/models/unet2d/config.ts';
import { skipConfig, smallConfig } from './models.ts';

describe('parseUNetConfig', () => {
  it("fills in diffusers' defaults", () => {
    const config = parseUNetConfig({});
    expect(config).toMatchObject({
      sampleSize: undefined,
      inChannels: 3,
      blockOutChannels: [224, 448, 672, 896],
      layersPerBlock: 2,
      attentionHeadDim: 8,
      normNumGroups: 32,
      normEps: 1e-5,
      timeEmbeddingDim: 896,
      midAttentionGroups: 32,
      activation: 'silu',
      classEmbedding: 'none',
    });
  });

  it('reads what is given, and leaves notes alone', () => {
    const config = parseUNetConfig({
      ...smallConfig,
      _class_name: 'UNet2DModel',
      _diffusers_version: '0.1',
      sample_size: [8, 16],
      attention_head_dim: null,
      act_fn: 'Swish',
    });
    expect(config).toMatchObject({
      sampleSize: [8, 16],
      attentionHeadDim: undefined,
      classEmbedding: 'lookup',
      numClassEmbeds: 4,
      activation: 'silu',
    });
  });

  it('has no norm in the middle attention of a scale_shift model, unless it is asked for', () => {
    expect(
      parseUNetConfig({ ...smallConfig, resnet_time_scale_shift: 'scale_shift' }).midAttentionGroups,
    ).toBeUndefined();
    expect(
      parseUNetConfig({ ...smallConfig, resnet_time_scale_shift: 'scale_shift', attn_norm_num_groups: 2 })
        .midAttentionGroups,
    ).toBe(2);
  });

  it('takes the block names of old checkpoints', () => {
    expect(
      parseUNetConfig({ ...smallConfig, up_block_types: ['UNetResAttnUpBlock2D', 'UNetResUpBlock2D'] }).upBlockTypes,
    ).toEqual(['AttnUpBlock2D', 'UpBlock2D']);
  });

  it('takes what is as large as can be, and nothing larger', () => {
    const parsed = parseUNetConfig({ ...smallConfig, layers_per_block: 64, time_embedding_dim: 65536 });
    expect([parsed.layersPerBlock, parsed.timeEmbeddingDim]).toEqual([64, 65536]);
    const blocks = (count: number) => ({
      ...smallConfig,
      block_out_channels: Array.from({ length: count }, () => 4),
      down_block_types: Array.from({ length: count }, () => 'DownBlock2D'),
      up_block_types: Array.from({ length: count }, () => 'UpBlock2D'),
    });
    expect(parseUNetConfig(blocks(16)).blockOutChannels).toHaveLength(16);
    for (const [change, message] of [
      [{ layers_per_block: 65 }, 'layers_per_block is 65; supported is a whole number from 1 to 64'],
      [{ time_embedding_dim: 65537 }, 'time_embedding_dim is 65537; supported is a whole number from 1 to 65536'],
      [{ block_out_channels: [4, 65538] }, 'supported is whole numbers from 1 to 65536'],
      [{ sample_size: 65537 }, 'sample_size is 65537; supported is a whole number or [height, width]'],
      [blocks(17), 'supported is a list of 1 to 16 entries'],
    ] as const) {
      expect(() => parseUNetConfig({ ...smallConfig, ...change })).toThrow(message);
    }
  });

  it.each([
    [{ _class_name: 'UNet2DConditionModel' }, 'the model is a "UNet2DConditionModel"; supported is "UNet2DModel"'],
    [{ act_fn: 'tanh' }, 'act_fn is "tanh"; supported is silu'],
    [
      { down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'] },
      'down_block_types names "CrossAttnDownBlock2D"; supported are DownBlock2D',
    ],
    [{ ...skipConfig, in_channels: 1 }, 'in_channels is 1; supported is 3 with AttnSkipDownBlock2D'],
    [{ ...skipConfig, out_channels: 1 }, 'out_channels is 1; supported is 3 with AttnSkipUpBlock2D'],
    [
      { ...skipConfig, up_block_types: ['SkipUpBlock2D', 'UpBlock2D'] },
      'up_block_types has UpBlock2D after SkipUpBlock2D, whose picture it would not double',
    ],
    [
      {
        ...skipConfig,
        block_out_channels: [32, 32, 32],
        down_block_types: ['DownBlock2D', 'SkipDownBlock2D', 'DownBlock2D'],
        up_block_types: ['UpBlock2D', 'UpBlock2D', 'UpBlock2D'],
      },
      'down_block_types has DownBlock2D before SkipDownBlock2D, which needs a sample that all have halved',
    ],
    [{ up_block_types: ['UpBlock2D'] }, 'down_block_types has 2 entries, up_block_types 1, block_out_channels 2'],
    [{ block_out_channels: [4, 9] }, 'block_out_channels has 9, which norm_num_groups = 2 does not divide'],
    [{ block_out_channels: [4, 0] }, 'block_out_channels is [4,0]'],
    [{ block_out_channels: [] }, 'block_out_channels is []; supported is a list'],
    [{ in_channels: 0 }, 'in_channels is 0; supported is a whole number'],
    [{ in_channels: 1.5 }, 'in_channels is 1.5'],
    [{ in_channels: '3' }, 'in_channels is "3"'],
    [{ layers_per_block: 1e9 }, 'layers_per_block is 1000000000'],
    [{ sample_size: -8 }, 'sample_size is -8'],
    [{ sample_size: [8, 8, 8] }, 'sample_size is [8,8,8]'],
    [{ time_embedding_type: 'rotary' }, 'time_embedding_type is "rotary"; supported is positional, fourier, learned'],
    [{ time_embedding_type: 'learned' }, 'needs num_train_timesteps'],
    [
      { resnet_time_scale_shift: 'ada_group' },
      'resnet_time_scale_shift is "ada_group"; supported is default, scale_shift',
    ],
    [{ class_embed_type: 'projection' }, 'class_embed_type is "projection"'],
    [{ attention_head_dim: 9 }, 'attention_head_dim is 9, more than the 8 channels of a block'],
    [
      { attn_norm_num_groups: 3 },
      'attn_norm_num_groups is 3, which does not divide the 8 channels of the middle block',
    ],
    [{ downsample_padding: 2 }, 'downsample_padding is 2; supported is 0 or 1'],
    [{ norm_eps: -1 }, 'norm_eps is -1'],
    [{ norm_eps: null }, 'norm_eps is null; supported is a finite number'],
    [{ mid_block_scale_factor: 0 }, 'mid_block_scale_factor is 0'],
    [{ mid_block_type: 'UNetMidBlock2DCrossAttn' }, 'mid_block_type is "UNetMidBlock2DCrossAttn"'],
    [{ center_input_sample: 'no' }, 'center_input_sample is "no"; supported is true or false'],
    [{ dropout: '0' }, 'dropout is "0"'],
  ])('refuses %j by name', (change, message) => {
    const parse = () => parseUNetConfig({ ...smallConfig, ...change }, 'model/config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^model\/config\.json: /);
  });

  it('of a UNet that words tell what to draw says how it is drawn with', () => {
    expect(() => parseUNetConfig({ _class_name: 'UNet2DConditionModel' })).toThrow(
      /supported is "UNet2DModel"; this one draws what words say: loadStableDiffusion loads it/,
    );
  });
});
