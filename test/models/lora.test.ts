/** LoRA merged into weights: what holds for any numbers, and what does not fit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moduleFinder } from '../../src/models/lora-names.ts';
import { mergeLora, type LoraUpdate, type ScaledLora } from '../../src/models/lora.ts';
import type { Weights } from '../../src/models/model.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, type DType, type Tensor } from '../../src/tensor/tensor.ts';

const shapes: Readonly<Record<string, readonly number[]>> = { 'a.linear': [5, 3], 'b.conv': [4, 2, 3, 3] };

function weightsOf(seed: number, dtype: DType = 'f32'): Weights {
  const generator = manualSeed(seed);
  const drawn = Object.entries(shapes).map(
    ([path, shape]) => [`${path}.weight`, generator.randn(shape, dtype)] as const,
  );
  return new Map([...drawn, ['a.linear.bias', generator.randn([5], dtype)]]);
}

function updatesOf(seed: number, rank: number, alpha?: number): readonly LoraUpdate[] {
  const generator = manualSeed(seed);
  return Object.entries(shapes).map(([path, [outputs = 0, ...inputs]]) => ({
    name: `unet.${path}.lora_A.weight`,
    module: path,
    down: generator.randn([rank, ...inputs]),
    up: generator.randn([outputs, rank, ...(inputs.length > 1 ? [1, 1] : [])]),
    ...(alpha !== undefined && { alpha }),
  }));
}

const loraOf = (seed: number, scale: number, rank = 2, alpha?: number): ScaledLora => ({
  source: `lora ${seed}`,
  updates: updatesOf(seed, rank, alpha),
  scale,
});

/** W + Σ s α/r B A, element by element as it is written. */
function byHand(weight: Tensor, path: string, loras: readonly ScaledLora[]): Float64Array {
  const inputs = weight.data.length / weight.shape[0];
  return Float64Array.from(weight.data, (value, element) => {
    const [o, i] = [Math.floor(element / inputs), element % inputs];
    return loras.reduce((total, { updates, scale }) => {
      const { down, up, alpha } = updates.find(({ module }) => module === path)!;
      const rank = down.shape[0];
      let product = 0;
      for (let k = 0; k < rank; k++) product += up.data[o * rank + k] * down.data[k * inputs + i];
      return total + ((scale * (alpha ?? rank)) / rank) * product;
    }, value);
  });
}

describe('merged weights', () => {
  const seeds = fc.nat(1000);

  it('are the sum as it is written, rounded once, in every precision, of several LoRAs in their order', () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom<DType>('f32', 'f64', 'f16', 'bf16'), (seed, dtype) => {
        const weights = weightsOf(seed, dtype);
        const loras = [loraOf(seed + 1, 0.7, 2, 3), loraOf(seed + 2, -1.5, 4)];
        const { weights: merged, unmatched } = mergeLora(weights, loras);
        expect(unmatched).toEqual([[], []]);
        for (const [path, shape] of Object.entries(shapes)) {
          const before = weights.get(`${path}.weight`)!;
          const wanted = cast(tensor('f64', shape, byHand(before, path, loras)), dtype);
          expect(merged.get(`${path}.weight`)).toEqual(wanted);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('are those that were given where nothing is merged, and what was given stays', () => {
    const weights = weightsOf(1);
    const before = structuredClone(weights);
    const { weights: merged } = mergeLora(weights, [loraOf(2, 1)]);
    expect(weights).toEqual(before);
    expect(merged.get('a.linear.bias')).toBe(weights.get('a.linear.bias'));
    expect(merged.get('a.linear.weight')).not.toEqual(weights.get('a.linear.weight'));
    expect(mergeLora(weights, []).weights).toEqual(weights);
    expect(mergeLora(weights, [loraOf(2, 0)]).weights).toEqual(weights);
    expect([...merged.keys()]).toEqual([...weights.keys()]);
  });

  it('come back when the same is taken off again, in double precision up to rounding', () => {
    const weights = weightsOf(3, 'f64');
    const there = mergeLora(weights, [loraOf(4, 0.5)]).weights;
    const back = mergeLora(there, [loraOf(4, -0.5)]).weights;
    for (const [name, { data }] of back)
      data.forEach((value, i) => expect(value).toBeCloseTo(weights.get(name)!.data[i], 13));
  });

  it('may be of another precision than before: of half weights nothing is rounded to half', () => {
    const weights = weightsOf(5, 'f16');
    const merged = mergeLora(weights, [loraOf(6, 1)], 'f32').weights.get('a.linear.weight')!;
    expect(merged).toEqual(
      cast(tensor('f64', [5, 3], byHand(weights.get('a.linear.weight')!, 'a.linear', [loraOf(6, 1)])), 'f32'),
    );
  });
});

describe('an update', () => {
  const [linear, conv] = updatesOf(7, 2) as [LoraUpdate, LoraUpdate];
  const merge = (...updates: readonly LoraUpdate[]) => mergeLora(weightsOf(1), [{ source: 'mine', updates, scale: 1 }]);

  it('of no module is named, and left out', () => {
    expect(merge(linear, { ...conv, module: 'c.conv', name: 'c' }).unmatched).toEqual([['c']]);
  });

  it('is found by its path with _ for every dot', () => {
    expect(merge({ ...linear, module: 'a_linear' }).weights).toEqual(merge(linear).weights);
  });

  const ones = (...shape: readonly number[]): Tensor => manualSeed(1).randn(shape);
  it.each<[string, readonly LoraUpdate[], string]>([
    ['of another rank above', [{ ...linear, up: ones(5, 3) }], 'has up [5, 3], down [2, 3]; the rank, the 2nd of up'],
    ['of other outputs', [{ ...linear, up: ones(4, 2) }], 'which do not make a.linear.weight [5, 3]'],
    ['of other inputs', [{ ...linear, down: ones(2, 4) }], 'which do not make a.linear.weight [5, 3]'],
    ['whose up is no point', [{ ...conv, up: ones(4, 2, 3, 3) }], 'which do not make b.conv.weight [4, 2, 3, 3]'],
    ['twice', [linear, { ...linear, name: 'other' }], '"other" is a second update of a.linear'],
    ['that is not finite', [{ ...linear, up: { ...linear.up, data: linear.up.data.map(() => NaN) } }], 'NaN'],
    [
      'whose alpha is not finite',
      [{ ...linear, alpha: Infinity }],
      'the alpha of "unet.a.linear.lora_A.weight" is Infinity',
    ],
  ])('%s is refused', (_what, updates, message) => {
    expect(() => merge(...updates)).toThrow(InputError);
    expect(() => merge(...updates)).toThrow(message);
  });

  it('with a scale that is no number is refused, as are things of other kinds', () => {
    expect(() => mergeLora(weightsOf(1), [loraOf(1, NaN)])).toThrow('the scale of lora 1 is NaN');
    expect(() => mergeLora({} as never, [])).toThrow(InputError);
    expect(() => mergeLora(weightsOf(1), 'x' as never)).toThrow(InputError);
  });
});

describe('the names of the authors’ UNet', () => {
  // Of SDXL: three levels, the first without attention, two layers each.
  const levels = [0, 1, 2];
  const paths = [
    'conv_in',
    'time_embedding.linear_1',
    'add_embedding.linear_2',
    'conv_out',
    ...levels.flatMap((level) => [
      ...[0, 1].map((layer) => `down_blocks.${level}.resnets.${layer}.conv1`),
      ...(level > 0 ? [0, 1].map((layer) => `down_blocks.${level}.attentions.${layer}.proj_in`) : []),
      ...(level < 2 ? [`down_blocks.${level}.downsamplers.0.conv`] : []),
      ...[0, 1, 2].map((layer) => `up_blocks.${level}.resnets.${layer}.time_emb_proj`),
      ...(level < 2 ? [0, 1, 2].map((layer) => `up_blocks.${level}.attentions.${layer}.proj_out`) : []),
      ...(level < 2 ? [`up_blocks.${level}.upsamplers.0.conv`] : []),
    ]),
    ...[0, 1].map((layer) => `mid_block.resnets.${layer}.conv2`),
    'mid_block.attentions.0.transformer_blocks.9.ff.net.2',
  ];
  const find = moduleFinder(paths.map((path) => `${path}.weight`));

  // As in the checkpoint of Stable Diffusion XL.
  it.each([
    ['input_blocks_0_0', 'conv_in'],
    ['time_embed_0', 'time_embedding.linear_1'],
    ['label_emb_0_2', 'add_embedding.linear_2'],
    ['out_2', 'conv_out'],
    ['input_blocks_1_0_in_layers_2', 'down_blocks.0.resnets.0.conv1'],
    ['input_blocks_3_0_op', 'down_blocks.0.downsamplers.0.conv'],
    ['input_blocks_4_1_proj_in', 'down_blocks.1.attentions.0.proj_in'],
    ['input_blocks_6_0_op', 'down_blocks.1.downsamplers.0.conv'],
    ['input_blocks_8_1_proj_in', 'down_blocks.2.attentions.1.proj_in'],
    ['middle_block_1_transformer_blocks_9_ff_net_2', 'mid_block.attentions.0.transformer_blocks.9.ff.net.2'],
    ['middle_block_2_out_layers_3', 'mid_block.resnets.1.conv2'],
    ['output_blocks_0_1_proj_out', 'up_blocks.0.attentions.0.proj_out'],
    ['output_blocks_2_2_conv', 'up_blocks.0.upsamplers.0.conv'],
    ['output_blocks_5_1_proj_out', 'up_blocks.1.attentions.2.proj_out'],
    ['output_blocks_8_0_emb_layers_1', 'up_blocks.2.resnets.2.time_emb_proj'],
    ['down_blocks_1_attentions_0_proj_in', 'down_blocks.1.attentions.0.proj_in'],
    ['input_blocks_9_0_op', undefined],
  ])('%s is %s', (name, path) => {
    expect(find(name)).toBe(path);
  });
});
