/** Laws of the text encoder, for random weights: no token sees a later one, texts are apart; and what it refuses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { clipTextArchitecture, createClipText, encodeText } from '../../../src/models/clip-text/clip-text.ts';
import { parseClipTextConfig } from '../../../src/models/clip-text/config.ts';
import { parametersOf } from '../../../src/models/stage.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { zeros, type Tensor } from '../../../src/tensor/tensor.ts';

const backend = referenceBackend();
const small = {
  architectures: ['CLIPTextModelWithProjection'],
  vocab_size: 10,
  hidden_size: 8,
  intermediate_size: 6,
  projection_dim: 3,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 5,
  eos_token_id: 9,
};

function weightsOf(json: Readonly<Record<string, unknown>> = small): Map<string, Tensor> {
  const { randn } = manualSeed(3);
  const parameters = parametersOf(clipTextArchitecture(parseClipTextConfig(json)).stages);
  return new Map(parameters.map(({ name, shape }) => [name, randn(shape)]));
}

const model = createClipText(parseClipTextConfig(small), weightsOf());
const ids = (min: number, max = min) => fc.array(fc.nat(9), { minLength: min, maxLength: max });

describe('a text encoder', () => {
  it('lets no token see a later one', () => {
    fc.assert(
      fc.property(ids(5), ids(5), fc.integer({ min: 1, max: 4 }), (text, other, same) => {
        const mixed = [...text.slice(0, same), ...other.slice(same)];
        const [a, b] = [text, mixed].map((inputIds) => encodeText(model, backend, { inputIds: [inputIds] }));
        const first = ({ lastHiddenState }: typeof a): unknown => lastHiddenState.data.subarray(0, same * 8);
        expect(first(b)).toEqual(first(a));
      }),
      { numRuns: 20 },
    );
  });

  it('encodes each text as if it were alone', () => {
    fc.assert(
      fc.property(ids(4), ids(4), (text, other) => {
        const together = encodeText(model, backend, { inputIds: [text, other] });
        const alone = encodeText(model, backend, { inputIds: [other] });
        expect(together.lastHiddenState.data.slice(32)).toEqual(alone.lastHiddenState.data);
        expect(together.textEmbeds?.data.slice(3)).toEqual(alone.textEmbeds?.data);
      }),
      { numRuns: 20 },
    );
  });

  it('pools where the text first ends, or at its first token', () => {
    const pooledAt = (inputIds: readonly number[], place: number): void => {
      const { pooled, lastHiddenState } = encodeText(model, backend, { inputIds: [inputIds] });
      expect([...pooled.data]).toEqual([...lastHiddenState.data.subarray(place * 8, (place + 1) * 8)]);
    };
    pooledAt([1, 9, 3, 9], 1);
    pooledAt([1, 2, 3, 4], 0);
  });

  it.each([
    ['no text', [], /there are no tokens/],
    ['a text without tokens', [[]], /there are no tokens/],
    ['texts of different length', [[1, 2], [1]], /texts of 2 and of 1 tokens/],
    ['a text that is too long', [[1, 2, 3, 4, 5, 6]], /6 tokens, but the encoder takes 5; cut it/],
    ['a token that there is not', [[1, 10]], /token 10 is outside the vocabulary: whole numbers from 0 to 9/],
    ['half a token', [[0.5]], /token 0\.5/],
  ])('refuses %s', (_what, inputIds, message) => {
    const run = () => encodeText(model, backend, { inputIds });
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });

  it('takes names with text_model. and without, but not a weight twice', () => {
    const config = parseClipTextConfig(small);
    const prefixed = new Map([...weightsOf()].map(([name, value]) => [`text_model.${name}`, value]));
    expect([...createClipText(config, prefixed).weights.keys()]).toEqual([...model.weights.keys()]);
    const twice = new Map([...prefixed, ['final_layer_norm.weight', zeros('f32', [8])]]);
    expect(() => createClipText(config, twice)).toThrow(/"final_layer_norm\.weight" is there twice/);
  });
});

describe('parseClipTextConfig', () => {
  it("fills in transformers' defaults", () => {
    expect(parseClipTextConfig({})).toMatchObject({
      architecture: 'CLIPTextModel',
      vocabSize: 49408,
      hiddenSize: 512,
      numHiddenLayers: 12,
      hiddenAct: 'quick_gelu',
      eosTokenId: 49407,
    });
  });

  it.each([
    [{ use_attention_mask: true }, 'use_attention_mask is true; supported is false'],
    [{ architectures: ['CLIPModel'] }, 'architectures is ["CLIPModel"]; supported is a list of one of CLIPTextModel'],
    [{ model_type: 'clip' }, 'model_type is "clip"; supported is clip_text_model'],
    [{ hidden_act: 'gelu_new' }, 'hidden_act is "gelu_new"; supported is quick_gelu, gelu, relu, silu'],
    [{ num_attention_heads: 3 }, 'num_attention_heads is 3, which does not divide hidden_size = 8'],
    [{ eos_token_id: [9] }, 'eos_token_id is [9]; supported is a whole number from 0'],
    [{ vocab_size: -1 }, 'vocab_size is -1'],
    [{ layer_norm_eps: -1 }, 'layer_norm_eps is -1'],
  ])('refuses %j by name', (change, message) => {
    const parse = () => parseClipTextConfig({ ...small, ...change }, 'text_encoder/config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^text_encoder\/config\.json: /);
  });
});
