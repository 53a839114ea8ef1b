import { describe, expect, it } from 'vitest';
import { matchesAny } from '../../src/models/taps.ts';

describe('a glob', () => {
  it.each([
    ['*', 'mid_block', true],
    ['mid_block.*', 'mid_block.resnets.0', true],
    ['mid_block.*', 'mid_block', false],
    ['mid.*', 'mid_block', false],
    ['step.?', 'step.1', true],
    ['step.?', 'step.12', false],
    ['step.??', 'step.12', true],
    ['?*?', 'ab', true],
    ['?*?', 'a', false],
    ['step.*?', 'step.', false],
    ['a**b', 'ab', true],
    ['conv_in', 'conv_in2', false],
  ])('%s and %s: %s', (pattern, path, matches) => {
    expect(matchesAny([pattern], path)).toBe(matches);
  });

  it('of many wildcards comes to an end', () => {
    expect(matchesAny([`${'*?'.repeat(18)}!`], 'down_blocks.1.attentions.0.group_norm')).toBe(false);
  });
});
