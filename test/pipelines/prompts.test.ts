/** What words become, held to the encoders themselves; whole runs are held to diffusers (cli/pipelines). */
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { encodeText } from '../../src/models/clip-text/clip-text.ts';
import { besideOneAnother, embedPrompts, promptConditions } from '../../src/pipelines/prompts.ts';
import { at } from '../../src/tensor/at.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { loadPipeline } from './folders.ts';

const backend = referenceBackend();
const sizes = { originalSize: [16, 24], cropsCoordsTopLeft: [1, 2], targetSize: [8, 12] } as const;
const [sd, xl, lcm] = [await loadPipeline('sd-1'), await loadPipeline('sd-xl'), await loadPipeline('lcm')];

/** The numbers of one sample. */
function sampleOf(x: Tensor | undefined, b: number): readonly number[] {
  if (!x) throw new Error('it is missing');
  const size = x.data.length / at(x.shape, 0);
  return [...x.data.subarray(b * size, (b + 1) * size)];
}

describe('prompts', () => {
  it('are what they are alone, whatever stands beside them', () => {
    const together = embedPrompts(sd, backend, ['a', 'letter b', 'a']).encoderHiddenStates;
    for (const [b, prompt] of ['a', 'letter b', 'a'].entries()) {
      const alone = embedPrompts(sd, backend, [prompt]).encoderHiddenStates;
      expect(sampleOf(together, b)).toEqual(sampleOf(alone, 0));
    }
  });

  it('of two encoders must be as long as one another', () => {
    const [short, long] = [zeros('f32', [1, 2, 3]), zeros('f32', [1, 4, 5])];
    expect(besideOneAnother([short, zeros('f32', [1, 2, 5])]).shape).toEqual([1, 2, 8]);
    expect(() => besideOneAnother([short, long])).toThrow(
      'the tokenizers make texts of 2 and of 4 tokens; they must be as long',
    );
  });

  it("of XL are the last hidden states but one of both encoders, side by side, and the second's pooled text", () => {
    const { encoderHiddenStates, textEmbeds } = embedPrompts(xl, backend, ['a letter']);
    const [first, second] = xl.texts.map(({ tokenize, encoder }) =>
      encodeText(encoder, backend, { inputIds: [tokenize('a letter').ids] }),
    );
    expect(encoderHiddenStates?.shape).toEqual([1, 12, 8 + 12]);
    expect(sampleOf(encoderHiddenStates, 0).slice(0, 8)).toEqual([...at(first.hiddenStates, 1).data.subarray(0, 8)]);
    expect(sampleOf(encoderHiddenStates, 0).slice(8, 20)).toEqual([...at(second.hiddenStates, 1).data.subarray(0, 12)]);
    expect(textEmbeds).toEqual(second.textEmbeds);
  });

  it("of XL's second encoder may be others: the first's tokens stay, the second's and the pooled text change", () => {
    const request = { prompts: ['a', 'b'], negativePrompts: ['c'], sizes };
    const { given, null: nothing } = promptConditions(xl, backend, {
      ...request,
      prompts2: ['letter'],
      negativePrompts2: ['d', 'e'],
    });
    const whole = (texts: readonly string[]) => embedPrompts(xl, backend, texts);
    for (const [found, firsts, seconds] of [
      [given, ['a', 'b'], ['letter', 'letter']],
      [nothing, ['c', 'c'], ['d', 'e']],
    ] as const) {
      const [first, second] = [whole(firsts), whole(seconds)];
      for (const b of [0, 1]) {
        const tokens = sampleOf(found?.encoderHiddenStates, b);
        const of = ({ encoderHiddenStates }: typeof first) => sampleOf(encoderHiddenStates, b);
        tokens.forEach((value, i) => expect(value).toBe(of(i % 20 < 8 ? first : second)[i]));
        expect(sampleOf(found?.textEmbeds, b)).toEqual(sampleOf(second.textEmbeds, b));
      }
    }
    const { null: same } = promptConditions(xl, backend, { ...request, prompts2: ['letter'] });
    expect(same).toEqual(promptConditions(xl, backend, request).null);
  });

  it('of a second encoder are refused where there is none, and where nothing would be made of them', () => {
    expect(() => promptConditions(sd, backend, { prompts: ['a'], prompts2: ['b'] })).toThrow(
      'prompts2 are given, but of the pipelines supported only XL has a second text encoder',
    );
    expect(() => promptConditions(xl, backend, { prompts: ['a'], negativePrompts2: ['b'], sizes })).toThrow(
      'negativePrompts2 are given without negativePrompts',
    );
    expect(() => promptConditions(xl, backend, { prompts: ['a'], prompts2: ['b', 'c'], sizes })).toThrow(
      'there are 2 second prompts for 1 pictures; give one for all, or one for each',
    );
  });

  it('without layers are what the shorter encoder says, normed', () => {
    const { encoderHiddenStates } = embedPrompts(sd, backend, ['a'], 1);
    expect(encoderHiddenStates).not.toEqual(embedPrompts(sd, backend, ['a']).encoderHiddenStates);
    expect(() => embedPrompts(sd, backend, ['a'], 3)).toThrow(
      'clipSkip leaves out 3 layers, but a text encoder of the pipeline has 2',
    );
    expect(() => embedPrompts(xl, backend, ['a'], 2)).toThrow('clipSkip leaves out 3 layers');
  });
});

describe('conditions', () => {
  it('without a negative prompt are those of the empty text; in XL zeros, unless the pipeline says otherwise', () => {
    const empty = embedPrompts(sd, backend, ['']);
    expect(promptConditions(sd, backend, { prompts: ['a'] }).null).toEqual(empty);
    const nothing = promptConditions(xl, backend, { prompts: ['a'], sizes }).null;
    expect(new Set([...sampleOf(nothing.encoderHiddenStates, 0), ...sampleOf(nothing.textEmbeds, 0)])).toEqual(
      new Set([0]),
    );
    const other = promptConditions({ ...xl, forceZerosForEmptyPrompt: false }, backend, { prompts: ['a'], sizes }).null;
    expect(other.textEmbeds).toEqual(embedPrompts(xl, backend, ['']).textEmbeds);
    const given = promptConditions(xl, backend, { prompts: ['a'], negativePrompts: [''], sizes }).null;
    expect(given).toEqual(other);
  });

  it('have one negative prompt for all, or one for each', () => {
    const request = { prompts: ['a', 'b', 'c'] };
    const { null: one } = promptConditions(sd, backend, { ...request, negativePrompts: ['z'] });
    const { null: each } = promptConditions(sd, backend, { ...request, negativePrompts: ['z', 'z', 'z'] });
    expect(one).toEqual(each);
    expect(() => promptConditions(sd, backend, { ...request, negativePrompts: ['z', 'y'] })).toThrow(
      'there are 2 negative prompts for 3 pictures; give one for all, or one for each',
    );
  });

  it('tell XL original size, crop and target size, height before width, and no other pipeline', () => {
    const { given, null: nothing } = promptConditions(xl, backend, { prompts: ['a'], sizes });
    expect([...(given.timeIds?.data ?? [])]).toEqual([16, 24, 1, 2, 8, 12]);
    expect(nothing.timeIds).toEqual(given.timeIds);
    expect(() => promptConditions(xl, backend, { prompts: ['a'] })).toThrow('is not told the sizes of the picture');
    expect(() => promptConditions(sd, backend, { prompts: ['a'], sizes })).toThrow(
      'of the pipelines supported only XL',
    );
  });

  it('tell a distilled UNet the guidance scale', () => {
    const scaleOf = (guidanceScale?: number): Tensor | undefined =>
      promptConditions(lcm, backend, { prompts: ['a'], ...(guidanceScale !== undefined && { guidanceScale }) }).given
        .timestepCond;
    expect(scaleOf()).toEqual(scaleOf(7.5));
    expect(scaleOf(2)).not.toEqual(scaleOf());
    expect(scaleOf()?.shape).toEqual([1, 7]);
  });
});
