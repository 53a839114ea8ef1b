import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { InputError } from '../../src/tensor/errors.ts';
import { selectLayers } from '../../src/models/selectors.ts';

const layers = [
  'down_blocks.1.attentions.0',
  'down_blocks.1.attentions.1',
  'down_blocks.10.attentions.0',
  'mid_block.attentions.0',
  'up_blocks.0.attentions.0',
  'up_blocks.0.attentions.10',
  'up_blocks.1.attentions.1',
];

describe('selectLayers', () => {
  it.each([
    ['mid', ['mid_block.attentions.0']],
    ['mid_block', ['mid_block.attentions.0']],
    ['down', ['down_blocks.1.attentions.0', 'down_blocks.1.attentions.1', 'down_blocks.10.attentions.0']],
    ['down_blocks', ['down_blocks.1.attentions.0', 'down_blocks.1.attentions.1', 'down_blocks.10.attentions.0']],
    ['up_blocks.0', ['up_blocks.0.attentions.0', 'up_blocks.0.attentions.10']],
    ['up.block_1', ['up_blocks.1.attentions.1']],
    ['up.block_0.attentions_0', ['up_blocks.0.attentions.0']],
    ['up_blocks.0.attentions.0', ['up_blocks.0.attentions.0']],
    ['re:attentions\\.1$', ['down_blocks.1.attentions.1', 'up_blocks.1.attentions.1']],
    [
      're:^(mid|up)',
      ['mid_block.attentions.0', 'up_blocks.0.attentions.0', 'up_blocks.0.attentions.10', 'up_blocks.1.attentions.1'],
    ],
  ])('%s', (selector, expected) => {
    expect(selectLayers([selector], layers)).toEqual(expected);
  });

  it('takes numbers whole: block 1 is not block 10', () => {
    for (const selector of ['down_blocks.1', 'down.block_1']) {
      expect(selectLayers([selector], layers)).not.toContain('down_blocks.10.attentions.0');
    }
    expect(() => selectLayers(['up.block_0.attentions_1'], layers)).toThrow(InputError);
  });

  it('selects exactly the layer that is named, whatever the layers', () => {
    const path = fc
      .tuple(fc.constantFrom('down', 'up'), fc.nat(30), fc.nat(30))
      .map(([way, i, j]) => `${way}_blocks.${i}.attentions.${j}`);
    fc.assert(
      fc.property(fc.uniqueArray(path, { minLength: 1 }), fc.nat(), (all, pick) => {
        const layer = all[pick % all.length];
        expect(selectLayers([layer], all)).toEqual([layer]);
      }),
    );
  });

  it('returns each layer once, in the order of the forward pass', () => {
    expect(selectLayers(['up_blocks.1', 'mid', 'mid_block', 'down_blocks.10'], layers)).toEqual([
      'down_blocks.10.attentions.0',
      'mid_block.attentions.0',
      'up_blocks.1.attentions.1',
    ]);
  });

  it.each(['blocks.1', 'down_blocks.2', 'midd', '', 'attentions', 're:nothing'])(
    'refuses "%s", which selects nothing, and lists the layers',
    (selector) => {
      expect(() => selectLayers(['mid', selector], layers)).toThrow(InputError);
      expect(() => selectLayers([selector], layers)).toThrow(
        `"${selector}" selects no self-attention layer; the model has ${layers[0]}`,
      );
      expect(() => selectLayers([selector], [])).toThrow('the model has none');
    },
  );

  it('refuses what is no regular expression', () => {
    expect(() => selectLayers(['re:('], layers)).toThrow(/"re:\(" is no regular expression/);
  });
});
