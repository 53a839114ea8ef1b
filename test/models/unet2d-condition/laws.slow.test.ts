/**
 * Laws of the conditional UNet as a fold over stages, of the identity as an attention map, and of text: bit for bit,
 * for random weights.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceKernels as kernels } from '../../../src/kernels/plain/index.ts';
import { runModel } from '../../../src/models/passes.ts';
import { unperturbed } from '../../../src/models/stage.ts';
import { identity, skip } from '../../../src/nn/attention-perturbations/index.ts';
import { tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { casesOf, expectIdentityIsItsMap, expectResumable, expectSharedUpToLayers, perturb } from '../laws.ts';
import { backend, inputOf, noise, randomUNet, smallConfig } from './models.ts';

const configs = [
  smallConfig,
  { ...smallConfig, use_linear_projection: true, transformer_layers_per_block: 2, attention_head_dim: [1, 4] },
  { ...smallConfig, only_cross_attention: [true, false], resnet_time_scale_shift: 'scale_shift' },
];

const anyUNet = fc.tuple(fc.constantFrom(...configs), fc.nat(10_000)).map(([config, seed]) => randomUNet(config, seed));
const anyInput = fc
  .tuple(fc.nat(10_000), fc.integer({ min: 1, max: 5 }))
  .map(([seed, side]) => inputOf(seed, [4, side]));

const cases = casesOf(anyUNet, () => anyInput);

describe('the identity perturbation', () => {
  it('is attention whose map is the identity matrix', () => {
    fc.assert(fc.property(cases, expectIdentityIsItsMap), { numRuns: 15 });
  });

  it('can be asked for by the selectors of diffusers, and touches self-attention only', () => {
    const unet = randomUNet();
    const of = (selector: string): readonly string[] => {
      const { taps } = runModel(unet, backend, inputOf(), {
        passes: [unperturbed, new Map([[selector, identity]])],
        taps: ['1:*.to_q', '1:*.to_k'],
      });
      const shown = Object.keys(taps).map((tap) => tap.slice(2));
      const all = ['to_q', 'to_k'].flatMap((part) => unet.attentionLayers.map((layer) => `${layer}.${part}`));
      const ofText = shown.filter((tap) => tap.includes('attn2'));
      expect(ofText.length).toBeGreaterThan(0);
      return all.filter((tap) => !shown.includes(tap) && tap.endsWith('to_q'));
    };
    // A perturbed layer has neither query nor key; nor has what comes before it any, which both passes share.
    expect(of('up_blocks.1.attentions.1')).toContain('up_blocks.1.attentions.1.transformer_blocks.0.attn1.to_q');
    expect(of('mid')).not.toContain('up_blocks.1.attentions.1.transformer_blocks.0.attn1.to_q');
    expect(of('mid')).toContain('mid_block.attentions.0.transformer_blocks.0.attn1.to_q');
    expect(unet.attentionLayers.every((layer) => layer.endsWith('.attn1'))).toBe(true);
  });
});

describe('a conditional UNet', () => {
  it('can be resumed from any stage, as often as one likes', () => {
    fc.assert(fc.property(cases, expectResumable), { numRuns: 4 });
  });

  it('gives passes together what it gives each alone', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom(identity, skip), ({ unet, layers, input }, mixer) => {
        const passes = [unperturbed, perturb(mixer, layers), perturb(identity, layers.slice(-1))];
        const together = runModel(unet, backend, input, { passes }).predictions;
        const alone = passes.map((pass) => runModel(unet, backend, input, { passes: [pass] }).predictions[0]);
        expect(together).toEqual(alone);
      }),
      { numRuns: 8 },
    );
  });

  it('is perturbed from the first of the layers on, and not before', () => {
    fc.assert(fc.property(cases, expectSharedUpToLayers), { numRuns: 8 });
  });

  it('has the skip of a whole layer: what came to it goes on', () => {
    const unet = randomUNet();
    const layer = 'mid_block.attentions.0.transformer_blocks.0.attn1';
    const { taps } = runModel(unet, backend, inputOf(), { passes: [perturb(skip, [layer])], taps: ['mid_block.*'] });
    expect(taps[layer]).toBeUndefined();
    const before = kernels.toTokens(taps['mid_block.attentions.0.proj_in']);
    const scale = unet.weights.get('mid_block.attentions.0.transformer_blocks.0.norm2.weight');
    const shift = unet.weights.get('mid_block.attentions.0.transformer_blocks.0.norm2.bias');
    if (!scale || !shift) throw new Error('the weights of a norm are missing');
    expect(taps['mid_block.attentions.0.transformer_blocks.0.norm2']).toEqual(
      kernels.layerNorm(before, scale, shift, 1e-5),
    );
  });
});

describe('text', () => {
  const mask = (...counts: readonly number[]): Tensor => tensor('f32', [1, 5], Float32Array.from(counts));

  it('that is masked counts for nothing, and a mask that hides nothing does nothing', () => {
    fc.assert(
      fc.property(anyUNet, anyInput, fc.nat(10_000), (unet, input, seed) => {
        // Where the first attention asks the text too, it does not see the mask: so it is in diffusers.
        if (unet.config.onlyCrossAttention.includes(true)) return;
        const text = input.encoderHiddenStates ?? noise([1, 5, 3]);
        const data = text.data.slice();
        data.set(noise([6], seed).data, 6);
        const other = tensor('f32', text.shape, data);
        const run = (encoderHiddenStates: Tensor, encoderAttentionMask?: Tensor): readonly Tensor[] =>
          runModel(unet, backend, {
            ...input,
            encoderHiddenStates,
            ...(encoderAttentionMask && { encoderAttentionMask }),
          }).predictions;
        expect(run(other, mask(1, 1, 0, 0, 1))).toEqual(run(text, mask(1, 1, 0, 0, 1)));
        expect(run(other)).not.toEqual(run(text));
        expect(run(text, mask(1, 1, 1, 1, 1))).toEqual(run(text));
      }),
      { numRuns: 8 },
    );
  });

  it('is one for all samples, or one for each', () => {
    const unet = randomUNet();
    const sample = noise([2, 2, 4, 4]);
    const text = noise([1, 5, 3]);
    const twice = kernels.concatBatch([text, text]);
    const run = (encoderHiddenStates: Tensor): Tensor =>
      runModel(unet, backend, { sample, timesteps: [3], encoderHiddenStates }).predictions[0];
    expect(run(text)).toEqual(run(twice));
  });
});
