import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lettersModel } from '../../src/cli/shipped.ts';
import { parseUNetConfig } from '../../src/models/unet2d/config.ts';
import { sitesOf } from '../../src/models/stage.ts';
import { unetArchitecture } from '../../src/models/unet2d/unet.ts';
import { DDIMScheduler } from '../../src/schedulers/ddim.ts';
import { createSchedulerOf } from '../../src/schedulers/create.ts';
import type { ModelPlan } from '../../src/walkthrough/page.ts';
import { sections } from '../../src/walkthrough/sections/all.ts';
import { initialState } from '../../src/walkthrough/state.ts';

const config = JSON.parse(readFileSync(`${lettersModel}/unet/config.json`, 'utf8')) as Record<string, unknown>;
const architecture = unetArchitecture(parseUNetConfig(config));
const plan: ModelPlan = {
  ...architecture,
  layers: sitesOf(architecture.stages),
  scheduler: createSchedulerOf(DDIMScheduler, {}, 20),
};
const partOf = (name: string, state = initialState) =>
  sections.find((section) => section.name === name)!.partOf(state, plan);

describe('the part of the network that a section is about', () => {
  it('is made of stages of it, whatever the section, and is said in a sentence', () => {
    const paths = plan.stages.map(({ path }) => path);
    for (const { name } of sections) {
      const { stages, text } = partOf(name);
      expect(paths).toEqual(expect.arrayContaining([...stages]));
      expect(text).toMatch(/^[A-Z].*\.$/);
      const isFigure = !['engine', 'bar'].includes(name);
      if (isFigure && !text.includes('another network')) expect(stages.length, name).toBeGreaterThan(0);
    }
    expect(partOf('noise').stages).toEqual(paths);
  });

  it('follows what the reader has chosen', () => {
    expect(partOf('attention', { ...initialState, layer: 0 }).stages).toEqual(['down_blocks.1.attentions.0']);
    expect(partOf('attention', { ...initialState, layer: 0 }).text).toContain('way down 1');
    const chosen = partOf('layers', { ...initialState, layers: [2, 6] });
    expect(chosen.stages).toEqual(['mid_block.attentions.0', 'up_blocks.1.attentions.1']);
    expect(chosen.text).toContain('middle, way up 4');
    expect(partOf('layers', { ...initialState, layers: [] }).stages).toEqual([]);
    expect(partOf('knob').stages).toEqual(['mid_block.attentions.0']);
  });
});
