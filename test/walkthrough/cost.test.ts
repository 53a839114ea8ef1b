import { readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { lettersModel } from '../../src/cli/shipped.ts';
import { parseUNetConfig } from '../../src/models/unet2d/config.ts';
import { unetArchitecture } from '../../src/models/unet2d/unet.ts';
import { stepCost, stepCostLater } from '../../src/walkthrough/work/cost.ts';

const config = JSON.parse(readFileSync(`${lettersModel}/unet/config.json`, 'utf8')) as Record<string, unknown>;
const unet = unetArchitecture(parseUNetConfig(config));

it.each([[[]], [['mid_block.attentions.0']], [['mid_block.attentions.0', 'up_blocks.1.attentions.0']]])(
  'the cost of a step is the same when it is counted in parts: %j',
  async (layers) => {
    const known = vi.fn();
    const costOf = stepCostLater(unet, known);
    expect(costOf(layers)).toBeUndefined();
    await vi.waitFor(() => expect(known).toHaveBeenCalledTimes(3));
    expect(costOf(layers)).toEqual(stepCost(unet, layers));
  },
);
