/** What a run refuses, and how its perturbations and taps may be named. */
import { describe, expect, it } from 'vitest';
import { runModel } from '../../src/models/passes.ts';
import { parametersOf, sitesOf, unperturbed } from '../../src/models/stage.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { backend, noise, randomUNet, smallConfig } from './unet2d/models.ts';

const unet = randomUNet(smallConfig);
const input = { sample: noise([1, 1, 8, 8]), timesteps: [10], classLabels: [0] };
const mid = 'mid_block.attentions.0';

describe('a perturbation', () => {
  it('names its layers by selectors', () => {
    const run = (...layers: string[]) =>
      runModel(unet, backend, input, { passes: [new Map(layers.map((layer) => [layer, identity]))] }).predictions[0];
    expect(run('mid')).toEqual(run(mid));
    expect(run('re:attentions')).toEqual(run(...unet.attentionLayers));
    expect(run('mid')).not.toEqual(run());
  });

  it.each(['nonsense', 'mid_block.resnets.0', 'down_blocks.0', 'up_blocks.0.attentions.10'])(
    'of "%s", which is no attention layer, is refused',
    (layer) => {
      const run = () => runModel(unet, backend, input, { passes: [unperturbed, new Map([[layer, identity]])] });
      expect(run).toThrow(InputError);
      expect(run).toThrow(
        `"${layer}" selects no self-attention layer; the model has ${unet.attentionLayers.join(', ')}`,
      );
    },
  );
});

describe('a tap', () => {
  const passes = [unperturbed, new Map([[mid, identity]])];

  it('shows modules by path, those of a later pass by its number, and is silent where passes are one', () => {
    const taps = ['mid_block', '1:mid_block', 'conv_in', '1:conv_in', '*.to_v'];
    const shown = Object.keys(runModel(unet, backend, input, { passes, taps }).taps);
    expect(shown).toEqual(
      expect.arrayContaining(['mid_block', '1:mid_block', 'conv_in', `${mid}.to_v`, `1:${mid}.to_v`]),
    );
    expect(shown).not.toContain('1:conv_in');
  });

  it.each(['nothing', 'mid_blocks', '2:mid_block', '0:mid_block', `${mid}.to_k.`, '*.to_w', '1:*.map.*'])(
    'of "%s", which names no module of any pass, is refused',
    (tap) => {
      const run = () => runModel(unet, backend, input, { passes, taps: ['mid_block', tap] });
      expect(run).toThrow(InputError);
      expect(run).toThrow(`the tap "${tap}" names no module of the model`);
    },
  );
});

describe('the stages of a model', () => {
  it('have its attention layers for sites, and each parameter once, under the path of the stage', () => {
    expect(sitesOf(unet.stages)).toEqual(unet.attentionLayers);
    const names = parametersOf(unet.stages).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect([...unet.weights.keys()].sort()).toEqual([...names].sort());
    for (const { path, kind, parameters, site } of unet.stages) {
      if (kind === 'embedding' || kind === 'output') continue;
      expect(
        parameters.every(({ name }) => name.startsWith(`${path}.`)),
        path,
      ).toBe(true);
      expect(site?.heads, path).toBe(kind === 'attention' ? parameters[2].shape[0] / 4 : undefined);
    }
  });
});
