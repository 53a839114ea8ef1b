/** Which passes are run together, on what; and that PAG is never silently off. */
import { describe, expect, it } from 'vitest';
import { cfgPag, pag } from '../../src/guidance/pag.ts';
import { conditional, perturbed, unconditional, weakModel, type Pass } from '../../src/guidance/guidance.ts';
import type { Backend, Kernels } from '../../src/kernels/kernels.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { classConditions } from '../../src/models/condition.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { denoiserOf, groupingDenoiser, unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { randomUNet, smallConfig } from '../models/unet2d/models.ts';

const unet = randomUNet(smallConfig);
const unconditionalUNet = randomUNet({ ...smallConfig, num_class_embeds: null });
const backend = referenceBackend();
const { randn } = manualSeed(0);
const sample = randn([2, 1, 8, 8]);
const mid = 'mid_block.attentions.0';

function draw(layers: readonly string[], pagScale = 3) {
  return sampleToEnd({
    denoiser: unetDenoiser(unet, backend, { labels: [0, 1], nullLabel: 2 }),
    guidance: pag({ pagScale, layers }),
    scheduler: createScheduler({ _class_name: 'DDIMScheduler' }, 2),
    noise: sample,
    noiseSource: () => sample,
  });
}

describe('perturbed layers', () => {
  it('may be named by selectors, and short ones guide as long ones do', () => {
    const guided = draw([mid]);
    expect(draw(['mid'])).toEqual(guided);
    expect(draw(['mid_block'])).toEqual(guided);
    expect(guided).not.toEqual(draw(['mid'], 0));
    expect(draw(['down', 'mid', 'up'])).toEqual(draw(unet.attentionLayers));
  });

  it.each(['nonsense', 'mid_block.resnets.0', 'conv_in', 'blocks.1', 'down_blocks.10', 'time_embedding'])(
    '"%s" is no attention layer: an InputError that lists them, in all guidances',
    (layer) => {
      for (const guidance of [
        pag({ pagScale: 3, layers: [layer] }),
        cfgPag(2, { pagScale: 3, layers: ['mid', layer] }),
      ]) {
        const run = () =>
          sampleToEnd({
            denoiser: unetDenoiser(unet, backend, { labels: [0, 1], nullLabel: 2 }),
            guidance,
            scheduler: createScheduler({ _class_name: 'DDIMScheduler' }, 2),
            noise: sample,
            noiseSource: () => sample,
          });
        expect(run).toThrow(InputError);
        expect(run).toThrow(
          `"${layer}" selects no self-attention layer; the model has ${unet.attentionLayers.join(', ')}`,
        );
      }
    },
  );
});

describe('conditions', () => {
  it('that a guidance asks for and nobody gave are refused: ∅ without a null label, any other name', () => {
    const without = unetDenoiser(unet, backend, { labels: [0, 1] });
    expect(() => without.predict(sample, 10, [conditional])).not.toThrow();
    expect(() => without.predict(sample, 10, [conditional, unconditional])).toThrow(/no label that means "no class"/);
    const plain = unetDenoiser(unconditionalUNet, backend);
    expect(() => plain.predict(sample, 10, [unconditional])).toThrow(InputError);
    const other: Pass = { ...conditional, condition: 'negative' };
    expect(() => without.predict(sample, 10, [other])).toThrow('asks for the condition "negative"; given are given');
  });

  it('are what the model is told: the null label stands for all samples', () => {
    const denoiser = unetDenoiser(unet, backend, { labels: [0, 1], nullLabel: 2 });
    const [nothing] = denoiser.predict(sample, 10, [unconditional]);
    const [asked] = unetDenoiser(unet, backend, { labels: [2, 2] }).predict(sample, 10, [conditional]);
    expect(nothing).toEqual(asked);
    const named = denoiserOf({ main: unet }, backend, { given: { classLabels: [0, 1] }, b: { classLabels: [1, 0] } });
    const [b] = named.predict(sample, 10, [{ ...conditional, condition: 'b' }]);
    expect(b).toEqual(unetDenoiser(unet, backend, { labels: [1, 0] }).predict(sample, 10, [conditional])[0]);
  });

  it.each<[string, number[] | undefined, string]>([
    ['more labels than samples', [0, 1, 2], '3 class labels for a batch of 2'],
    ['no labels', undefined, 'no class labels are given'],
    ['a label outside the table', [0, 4], 'class label 4 is outside'],
    ['a label that is no whole number', [0, 0.5], 'class label 0.5 is outside'],
    ['a label that is no number', [0, NaN], 'a class label is NaN'],
  ])('%s: an InputError', (_, labels, message) => {
    const run = () => unetDenoiser(unet, backend, labels ? { labels } : {}).predict(sample, 10, [conditional]);
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});

describe('models', () => {
  it('whose output is no prediction of the input are refused', () => {
    expect(() => unetDenoiser(randomUNet({ ...smallConfig, out_channels: 3 }), backend)).toThrow(
      'makes 3 channels of 1',
    );
    expect(() => unetDenoiser(randomUNet({ ...smallConfig, out_channels: 2 }), backend)).not.toThrow();
  });

  it('a weak one answers the passes that ask for it, and is asked for when it is missing', () => {
    const weak = randomUNet(smallConfig, 7);
    const denoiser = unetDenoiser(unet, backend, { labels: [0, 1], weak });
    const [main, other] = denoiser.predict(sample, 10, [conditional, weakModel]);
    expect(main).toEqual(unetDenoiser(unet, backend, { labels: [0, 1] }).predict(sample, 10, [conditional])[0]);
    expect(other).toEqual(unetDenoiser(weak, backend, { labels: [0, 1] }).predict(sample, 10, [conditional])[0]);
    const alone = unetDenoiser(unet, backend, { labels: [0, 1] });
    expect(() => alone.predict(sample, 10, [weakModel])).toThrow('needs a second, weaker model');
  });
});

describe('passes', () => {
  const another = randn([2, 1, 8, 8]);
  const passes: readonly Pass[] = [
    perturbed([mid], identity),
    conditional,
    unconditional,
    { ...conditional, sample: another },
    perturbed(['up'], identity),
    { ...perturbed([mid], identity), sample: another },
  ];

  it('of one model, one condition and one picture are one run; the predictions come in the order of the passes', () => {
    const groups: number[][] = [];
    const denoiser = groupingDenoiser({ main: unet }, classConditions([0, 1], 2), (_, input, group) => {
      groups.push(group.map((pass) => passes.indexOf(pass)));
      return group.map((pass) => ({
        output: { ...input.sample, data: input.sample.data.map(() => passes.indexOf(pass)) },
        taps: {},
      }));
    });
    const found = denoiser.predict(sample, 10, passes);
    expect(found.map(({ output }) => output.data[0])).toEqual([0, 1, 2, 3, 4, 5]);
    expect(groups).toEqual([[0, 1, 4], [2], [3, 5]]);
  });

  it('share as much in whatever order they are asked for: the plain one goes first', () => {
    const costOf = (asked: readonly Pass[]): number => {
      let convolutions = 0;
      const counting: Backend = {
        ...backend,
        run: (program, inputs) =>
          backend.run((kernels, values) => {
            const conv2d: Kernels['conv2d'] = (...given) => {
              convolutions++;
              return kernels.conv2d(...given);
            };
            return program({ ...kernels, conv2d }, values);
          }, inputs),
      };
      unetDenoiser(unet, counting, { labels: [0, 1], nullLabel: 2 }).predict(sample, 10, asked);
      return convolutions;
    };
    const [early, late] = [perturbed([mid], identity), perturbed(['up_blocks.0.attentions.1'], identity)];
    const least = costOf([conditional, early, late]);
    expect(costOf([early, conditional, late])).toBe(least);
    expect(costOf([late, early, conditional])).toBe(least);
    expect(costOf([early, late])).toBeLessThan(2 * costOf([conditional]));
  });

  it('give together what they give one by one, in whatever order, with the taps that each asks for', () => {
    const denoiser = unetDenoiser(unet, backend, { labels: [0, 1], nullLabel: 2 });
    const tapped = passes.map((pass, i) => ({ ...pass, taps: i % 2 === 0 ? ['conv_out'] : [] }));
    const together = denoiser.predict(sample, 10, tapped);
    tapped.forEach((pass, i) => {
      expect(together[i]).toEqual(denoiser.predict(sample, 10, [pass])[0]);
      expect(Object.keys(together[i].taps)).toEqual(pass.taps);
    });
  });
});
