/**
 * CLIP's text encoders against transformers, module by module: both classes, names with `text_model.` and without, and
 * every rule of where the pooled text is read. And the fast kernels against the plain loops, bit for bit.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { componentKinds } from '../../../src/formats/components.ts';
import { readNumbers } from '../../../src/formats/safetensors.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { createClipText, encodeText, type ClipTextInput } from '../../../src/models/clip-text/clip-text.ts';
import { runModel } from '../../../src/models/passes.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { disagreement, goldenNames, goldenOf } from '../../agreement.ts';
import { loadFixtureFiles, openGoldens } from '../../goldens.ts';
import { expectSameBits } from '../../kernels/simd/support.ts';

const reference = referenceBackend();
const fast = [simdBackend(), simdBackend({ threads: 2 })];
afterAll(() => fast.forEach((backend) => backend.dispose()));

describe.each(['quick-gelu', 'legacy-end', 'projection', 'no-end'])('the text encoder "%s"', async (name) => {
  const { config, weights } = await loadFixtureFiles(`goldens/text/clip/${name}`, componentKinds.CLIPTextModel);
  const file = openGoldens(`text/clip/${name}/golden.safetensors`);
  const { numbers, shape } = readNumbers(file, 'input_ids');
  const [batch = 0, count = 0] = shape;
  const input: ClipTextInput = {
    inputIds: Array.from({ length: batch }, (_, b) => numbers.slice(b * count, (b + 1) * count)),
  };

  it.each(['f32', 'f64'] as const)('agrees at every module and every output, in %s', (dtype) => {
    const model = createClipText(config, weights, dtype);
    const { taps } = runModel(model, reference, input, { taps: ['*'] });
    const { lastHiddenState, pooled, textEmbeds, hiddenStates } = encodeText(model, reference, input);
    const ours: Readonly<Record<string, Tensor>> = {
      ...taps,
      last_hidden_state: lastHiddenState,
      pooled,
      ...(textEmbeds && { text_projection: textEmbeds }),
      ...Object.fromEntries(hiddenStates.map((state, i) => [`hidden.${i}`, state])),
    };
    const names = goldenNames(file);
    expect(names.length).toBeGreaterThan(15);
    const wrong = names.map((tap) => [tap, disagreement(ours[tap], goldenOf(file, tap))]);
    expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
    // Beside the modules there are the maps of attention, which transformers does not show.
    const more = Object.keys(ours).filter((tap) => !names.includes(tap));
    expect(more.filter((tap) => !tap.endsWith('self_attn.map'))).toEqual([]);
  });

  it.each(fast.map((backend, i) => [i + 1, backend] as const))(
    'has the same bits with SIMD kernels, threads: %d',
    (_threads, backend) => {
      const model = createClipText(config, weights);
      const [ours, expected] = [backend, reference].map((each) => runModel(model, each, input, { taps: ['*'] }));
      expectSameBits(ours.taps, expected.taps);
      expect(ours.predictions).toEqual(expected.predictions);
    },
  );
});
