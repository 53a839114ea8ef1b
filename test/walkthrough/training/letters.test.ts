import { describe, expect, it } from 'vitest';
import { learnedLetters } from '../../../scripts/walkthrough/letters.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { lettersLesson } from '../../../src/walkthrough/training/letters.ts';
import { lettersOf } from '../../../src/walkthrough/training/letters-file.ts';

const seed = 3;

describe('the lesson of letters', () => {
  it('perturbs attention in the middle, and learns what is asked for beside what is not', () => {
    const { layers, learner, batches } = lettersLesson(lettersOf(learnedLetters()), seed);
    expect(learner.model.attentionLayers).toEqual(expect.arrayContaining([...layers]));
    expect(layers).toContain('mid_block.attentions.0');
    expect(batches).toMatchObject({ nullLabel: 26, labelDropout: 0.1 });
  });

  it('draws A to Z, each once, then what nobody asked for, from the noise of `pag sample --seed`', () => {
    const labels = [...Array.from({ length: 26 }, (_, label) => label), ...new Array<number>(7).fill(26)];
    const { noise, asked } = lettersLesson(lettersOf(learnedLetters()), seed);
    expect(asked).toEqual({ labels, nullLabel: 26 });
    expect(noise).toEqual(manualSeed(seed).randn([33, 1, 16, 16]));
  });
});
