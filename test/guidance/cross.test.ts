/**
 * The guidances that act where pixels read a text, on a UNet that reads one, against PyTorch; and where nothing does.
 */
import { describe, expect, it } from 'vitest';
import { componentKinds } from '../../src/formats/components.ts';
import { readTensor } from '../../src/formats/safetensors.ts';
import { cfg } from '../../src/guidance/cfg.ts';
import { conditional, perturbed, type Pass } from '../../src/guidance/guidance.ts';
import { nag } from '../../src/guidance/nag.ts';
import { pag } from '../../src/guidance/pag.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import { createGuidance } from '../../src/guidance/registry/index.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Conditions } from '../../src/models/condition.ts';
import { selectCrossLayers } from '../../src/models/selectors.ts';
import { createUNetCondition } from '../../src/models/unet2d-condition/unet-condition.ts';
import { identity, normalizedAttention, sparseAttention } from '../../src/nn/attention-perturbations/index.ts';
import { denoiserOf } from '../../src/sampling/denoiser.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { loadFixtureFiles, metadataOf, openGoldens } from '../goldens.ts';
import { randomUNet } from '../models/unet2d/models.ts';
import { stepOf } from './scene.ts';

const file = openGoldens('text/cross/cross.safetensors');
const { timestep, cases } = metadataOf<{
  readonly timestep: number;
  readonly cases: readonly { readonly name: string; readonly guidance: string; readonly parameters: ParameterValues }[];
}>(file, 'cross');
const { config, weights } = await loadFixtureFiles(
  'goldens/text/lora/pipeline/unet',
  componentKinds.UNet2DConditionModel,
);
const unet = { f32: createUNetCondition(config, weights), f64: createUNetCondition(config, weights, 'f64') };
const given = (name: string, dtype: DType): Tensor => cast(readTensor(file, name), dtype);
const conditionsIn = (dtype: DType): Conditions => ({
  given: { encoderHiddenStates: given('text', dtype) },
  null: { encoderHiddenStates: given('other', dtype) },
});
const context = {
  attentionLayers: unet.f32.attentionLayers,
  crossAttentionLayers: unet.f32.crossAttentionLayers,
  hasNullCondition: true,
  hasWeakModel: false,
};

/** The guided prediction of one step. */
function guide(guidance: ReturnType<typeof cfg>, dtype: 'f32' | 'f64' = 'f32', backend = referenceBackend()): Tensor {
  const sample = given('sample', dtype);
  const denoiser = denoiserOf({ main: unet[dtype] }, backend, conditionsIn(dtype));
  const step = stepOf(
    { given: sample, nothing: sample, other: sample },
    { predict: (passes) => denoiser.predict(sample, timestep, passes).map(({ output }) => output) },
  );
  return guidance.guide(step);
}

describe.each(['f32', 'f64'] as const)('in %s', (dtype) => {
  it.each(cases)('$name', ({ name, guidance, parameters }) => {
    const found = guide(createGuidance(guidance, parameters, context), dtype);
    expect(disagreement(found, goldenOf(file, name))).toBeUndefined();
  });
});

it('gives the same bits on every backend', () => {
  const fast = simdBackend({ threads: 2 });
  for (const { guidance, parameters } of cases) {
    const created = createGuidance(guidance, parameters, context);
    expect(guide(created, 'f32', fast)).toEqual(guide(created));
  }
  fast.dispose();
});

describe('NAG', () => {
  it('of the same text twice is no guidance, bit for bit', () => {
    const sample = given('sample', 'f32');
    const text = { encoderHiddenStates: given('text', 'f32') };
    const denoiser = denoiserOf({ main: unet.f32 }, referenceBackend(), { given: text, null: text });
    const predict = (guidance: ReturnType<typeof cfg>): Tensor =>
      guidance.guide(
        stepOf(
          { given: sample, nothing: sample, other: sample },
          { predict: (passes) => denoiser.predict(sample, timestep, passes).map(({ output }) => output) },
        ),
      );
    // With α = 1/2 both shares are exact.
    expect(predict(nag({ nagScale: 3, nagAlpha: 0.5, layers: ['cross'] }))).toEqual(predict(cfg(1)));
  });

  it('goes under any guidance: PAG away from a pass of NAG', () => {
    const layers = ['mid'];
    const both = guide(nag({ nagScale: 4, layers: ['cross'] }, pag({ pagScale: 1, layers })));
    expect(both).not.toEqual(guide(pag({ pagScale: 1, layers })));
    expect(both).not.toEqual(guide(nag({ nagScale: 4, layers: ['cross'] })));
  });
});

it('passes that go away from a text and passes that do not may be asked for together', () => {
  const sample = given('sample', 'f32');
  const denoiser = denoiserOf({ main: unet.f32 }, referenceBackend(), conditionsIn('f32'));
  const away = perturbed(['cross'], normalizedAttention({ scale: 3, tau: 2, alpha: 1 }));
  const passes = [conditional, { ...away, against: 'null' }, { ...away, against: 'given' }];
  const predict = (asked: readonly Pass[]) => denoiser.predict(sample, timestep, asked).map(({ output }) => output);
  const alone = passes.map((pass) => predict([pass])[0]);
  expect(predict(passes)).toEqual(alone);
  expect(predict([...passes].reverse())).toEqual([...alone].reverse());
  expect(alone[1]).not.toEqual(alone[0]);
  // Away from its own text is no way at all.
  expect(alone[2]).toEqual(alone[0]);
});

describe('layers that ask a text', () => {
  const cross = unet.f32.crossAttentionLayers;

  it('are listed apart from those of self-attention, and selected apart', () => {
    expect(cross).toEqual(unet.f32.attentionLayers.map((layer) => layer.replace('attn1', 'attn2')));
    expect(selectCrossLayers(['cross'], cross)).toEqual(cross);
    expect(selectCrossLayers(['cross:mid'], cross)).toEqual(cross.filter((layer) => layer.startsWith('mid_block')));
    expect(selectCrossLayers(['mid_block'], cross)).toEqual(cross.filter((layer) => layer.startsWith('mid_block')));
    expect(() => selectCrossLayers(['cross:down_blocks.7'], cross)).toThrow(
      '"cross:down_blocks.7" selects no cross-attention layer; the model has down_blocks.0.attentions.0',
    );
  });

  it('are never perturbed by what is made for self-attention, nor the other way round', () => {
    const run = (layer: string, mixer: typeof identity) => () =>
      guide({ name: 'one', guide: (step) => step.predict([perturbed([layer], mixer)])[0]! });
    expect(run(cross[0]!, identity)).toThrow(`"${cross[0]}" selects no self-attention layer`);
    expect(run(unet.f32.attentionLayers[0]!, sparseAttention({ scale: 1, alpha: 2 }))).toThrow(
      'selects no cross-attention layer',
    );
  });

  it('a model of pixels has none, and refuses NAG and PLADIS', () => {
    const { attentionLayers, crossAttentionLayers } = randomUNet();
    for (const name of ['nag', 'pladis']) {
      const create = () => createGuidance(name, {}, { ...context, attentionLayers, crossAttentionLayers });
      expect(create).toThrow(InputError);
      expect(create).toThrow(
        'the guidance acts where pixels read a text, in cross-attention, and the model has none; its attention ' +
          `layers are ${attentionLayers.join(', ')}, where pixels see one another`,
      );
    }
  });

  it('refuse a text that is masked, and NAG without another text', () => {
    const sample = given('sample', 'f32');
    const text = given('text', 'f32');
    const mask = { dtype: 'f32' as const, shape: [2, 7], data: new Float32Array(14).fill(1) };
    const run = (conditions: Conditions, pass = { ...perturbed(['cross'], sparseAttention({ scale: 2, alpha: 2 })) }) =>
      denoiserOf({ main: unet.f32 }, referenceBackend(), conditions).predict(sample, timestep, [pass]);
    expect(() => run({ given: { encoderHiddenStates: text, encoderAttentionMask: mask } })).toThrow(
      'is perturbed, but the text is masked',
    );
    expect(() => run({ given: { encoderHiddenStates: text }, null: {} }, { ...conditional, against: 'null' })).toThrow(
      'the guidance goes away from the text of the condition "null", which has none',
    );
  });
});
