import type { ModelInput } from '../../../src/models/model.ts';
import { firstDifference, runModel } from '../../../src/models/passes.ts';
import { type Perturbation, unperturbed } from '../../../src/models/stage.ts';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/tensor/errors.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { identity, skip, uniform } from '../../../src/nn/attention-perturbations/index.ts';
import type { AttentionMixer } from '../../../src/nn/attention.ts';
import { createUNet, type UNet } from '../../../src/models/unet2d/unet.ts';
import { backend, noise, randomUNet, randomWeights, skipConfig, smallConfig } from './models.ts';

const unet = randomUNet();
const input: ModelInput = { sample: noise([2, 1, 8, 8]), timesteps: [700, 20], classLabels: [2, 0] };
const mid = 'mid_block.attentions.0';

function perturb(mixer: AttentionMixer, ...layers: string[]): Perturbation {
  return new Map(layers.map((layer) => [layer, mixer]));
}

function sampleOf(x: Tensor, index: number): Tensor {
  const size = x.data.length / x.shape[0];
  return { ...x, shape: [1, ...x.shape.slice(1)], data: x.data.slice(index * size, (index + 1) * size) };
}

/** A backend that counts what it is asked to do. */
function counting() {
  const calls: string[] = [];
  return {
    calls,
    backend: {
      ...backend,
      run: ((program, inputs) =>
        backend.run(
          (kernels, values) =>
            program(
              Object.fromEntries(
                Object.entries(kernels).map(([name, kernel]) => [
                  name,
                  (...args: never[]) => {
                    calls.push(name);
                    return (kernel as (...args: never[]) => Tensor)(...args);
                  },
                ]),
              ) as never,
              values,
            ),
          inputs,
        )) as typeof backend.run,
    },
  };
}

describe('a UNet', () => {
  it('shows its skip blocks the sample as it is centred, also beside blocks of another kind', () => {
    const mixed = { ...skipConfig, down_block_types: ['SkipDownBlock2D', 'DownBlock2D'] };
    const sample = noise([1, 3, 8, 8]);
    const given = { timesteps: [300], classLabels: [1] };
    const [centred] = runModel(randomUNet({ ...mixed, center_input_sample: true }), backend, {
      ...given,
      sample,
    }).predictions;
    const moved = { ...sample, data: sample.data.map((value) => 2 * value - 1) };
    expect(runModel(randomUNet(mixed), backend, { ...given, sample: moved }).predictions[0]).toEqual(centred);
  });

  it('has the attention layers of its config, in the order of the forward pass', () => {
    expect(unet.attentionLayers).toEqual([
      'down_blocks.1.attentions.0',
      mid,
      'up_blocks.0.attentions.0',
      'up_blocks.0.attentions.1',
    ]);
    expect(randomUNet({ ...smallConfig, add_attention: false }).attentionLayers).not.toContain(mid);
  });

  it('predicts something finite of the shape of the sample', () => {
    const [prediction] = runModel(unet, backend, input).predictions;
    expect(prediction.shape).toEqual([2, 1, 8, 8]);
    expect(prediction.data.every(Number.isFinite)).toBe(true);
    expect(new Set(prediction.data).size).toBeGreaterThan(100);
  });

  it('sees its time, its class and its perturbation', () => {
    const base = runModel(unet, backend, input).predictions[0].data;
    for (const change of [{ timesteps: [701, 20] }, { classLabels: [1, 0] }]) {
      expect(runModel(unet, backend, { ...input, ...change }).predictions[0].data).not.toEqual(base);
    }
    for (const layer of unet.attentionLayers) {
      expect(runModel(unet, backend, input, { passes: [perturb(identity, layer)] }).predictions[0].data).not.toEqual(
        base,
      );
    }
  });

  it('gives passes together the bits that each has alone', () => {
    const passes = [
      unperturbed,
      perturb(identity, mid),
      perturb(uniform(), mid),
      perturb(skip, 'up_blocks.0.attentions.1'),
      perturb(identity, ...unet.attentionLayers),
      unperturbed,
    ];
    const together = runModel(unet, backend, input, { passes }).predictions;
    passes.forEach((pass, i) => {
      expect(together[i]).toEqual(runModel(unet, backend, input, { passes: [pass] }).predictions[0]);
    });
  });

  it('shares what comes before the first perturbed layer', () => {
    const alone = counting();
    runModel(unet, alone.backend, input);
    const both = counting();
    runModel(unet, both.backend, input, { passes: [unperturbed, perturb(identity, 'up_blocks.0.attentions.1')] });
    const twice = counting();
    runModel(unet, twice.backend, input, { passes: [unperturbed, unperturbed] });

    const convolutions = (calls: readonly string[]): number => calls.filter((name) => /conv2d$/i.test(name)).length;
    const stages = unet.stages.map((stage) => stage.path);
    // Behind the last attention layer: an upsampling, two ResNet blocks of two and a shortcut each, the output.
    expect(stages.slice(stages.indexOf('up_blocks.0.attentions.1'))).toEqual([
      'up_blocks.0.attentions.1',
      'up_blocks.0.upsamplers.0',
      'up_blocks.1.resnets.0',
      'up_blocks.1.resnets.1',
      'conv_out',
    ]);
    expect(convolutions(both.calls) - convolutions(alone.calls)).toBe(8);
    expect(twice.calls).toEqual(alone.calls);
  });

  it('draws a sample alike in any batch, bit for bit', () => {
    const passes = [unperturbed, perturb(identity, mid)];
    const { predictions } = runModel(unet, backend, input, { passes });
    [0, 1].forEach((b) => {
      const single = runModel(
        unet,
        backend,
        {
          sample: sampleOf(input.sample, b),
          timesteps: [input.timesteps[b]],
          classLabels: [(input.classLabels as number[])[b]],
        },
        { passes },
      );
      single.predictions.forEach((prediction, pass) => expect(prediction).toEqual(sampleOf(predictions[pass], b)));
    });
  });

  it('takes one timestep and one label for all samples', () => {
    const one = runModel(unet, backend, { ...input, timesteps: [5], classLabels: [1] }).predictions;
    expect(one).toEqual(runModel(unet, backend, { ...input, timesteps: [5, 5], classLabels: [1, 1] }).predictions);
  });

  it('shows inner values under their module paths, and those of later passes with the number of the pass', () => {
    const passes = [unperturbed, perturb(identity, mid)];
    const { taps, predictions } = runModel(unet, backend, input, {
      passes,
      taps: [`${mid}*`, 'mid_block', '1:mid_block', '1:conv_out', 'conv_in', '1:conv_in'],
    });
    expect(Object.keys(taps).sort()).toEqual([
      '1:conv_out',
      '1:mid_block',
      'conv_in',
      'mid_block',
      mid,
      `${mid}.group_norm`,
      `${mid}.map`,
      `${mid}.to_k`,
      `${mid}.to_out.0`,
      `${mid}.to_q`,
      `${mid}.to_v`,
    ]);
    expect(taps['1:conv_out']).toEqual(predictions[1]);
    expect(taps['mid_block']).not.toEqual(taps['1:mid_block']);
    const map = taps[`${mid}.map`];
    expect(map.shape).toEqual([2, 2, 16, 16]);
    for (let row = 0; row < map.data.length / 16; row++) {
      expect(Array.from(map.data.slice(row * 16, row * 16 + 16)).reduce((sum, entry) => sum + entry)).toBeCloseTo(1, 6);
    }
  });

  it('is not changed by being watched', () => {
    expect(runModel(unet, backend, input, { taps: ['*'] }).predictions).toEqual(
      runModel(unet, backend, input).predictions,
    );
  });

  it.each(['f64', 'f16', 'bf16'] as const)('runs in %s, near to f32', (dtype) => {
    const [exact] = runModel(randomUNet(smallConfig, 1, 'f64'), backend, input).predictions;
    const [rounded] = runModel(randomUNet(smallConfig, 1, dtype), backend, input).predictions;
    expect(rounded.dtype).toBe(dtype);
    const worst = Math.max(...rounded.data.map((value, i) => Math.abs(value - exact.data[i])));
    expect(worst).toBeLessThan({ f64: 0, f16: 0.05, bf16: 0.4 }[dtype] || 1e-300);
  });

  const one = [noise([1, 1, 8, 8])].map((sample): ModelInput => ({ sample, timesteps: [1], classLabels: [0] }))[0];
  it.each<[string, Partial<ModelInput> | { classLabels: undefined }, string]>([
    [
      'channels',
      { sample: noise([1, 3, 8, 8]) },
      'the sample has shape [1, 3, 8, 8], but the model takes [B, 1, H, W]',
    ],
    ['size', { sample: noise([1, 1, 7, 8]) }, 'multiples of 2'],
    ['timesteps', { timesteps: [1, 2, 3] }, 'there are 3 timesteps for a batch of 1'],
    ['a timestep', { timesteps: [NaN] }, 'a timestep is NaN'],
    ['an endless timestep', { timesteps: [Infinity] }, 'a timestep is Infinity'],
    ['labels', { classLabels: [0, 1] }, 'there are 2 class labels for a batch of 1'],
    ['a label', { classLabels: [4] }, "class label 4 is outside the model's table: whole numbers from 0 to 3"],
    ['no label', { classLabels: undefined }, 'the model is class-conditional, but no class labels are given'],
  ])('refuses an input whose %s do not fit', (_what, change, message) => {
    const run = () => runModel(unet, backend, { ...one, ...change } as ModelInput);
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });

  it('refuses weights that are not those of the config, by name', () => {
    const weights = new Map(randomWeights(unet.config, 1));
    const taken = weights.get('conv_in.bias')!;
    weights.delete('conv_in.bias');
    expect(() => createUNet(unet.config, weights)).toThrow('"conv_in.bias" [4] is missing');
    expect(() => createUNet(unet.config, weights.set('conv_in.bias', noise([5])))).toThrow(
      '"conv_in.bias" has shape [5], but the config asks for [4]',
    );
    expect(() => createUNet(unet.config, weights.set('conv_in.bias', taken).set('extra', taken))).toThrow(
      '"extra" belongs to no module',
    );
  });
});

describe('firstDifference', () => {
  const at = (a: Perturbation, b: Perturbation, { stages }: UNet = unet) => stages[firstDifference(stages, a, b)]?.path;
  it('is the first stage that two perturbations run differently', () => {
    expect(at(unperturbed, perturb(identity, 'up_blocks.0.attentions.0', mid))).toBe(mid);
    expect(at(perturb(identity, mid), perturb(identity, mid, 'up_blocks.0.attentions.1'))).toBe(
      'up_blocks.0.attentions.1',
    );
    expect(at(perturb(identity, mid), perturb(skip, mid))).toBe(mid);
    expect(at(perturb(uniform(), mid), perturb(uniform(), mid))).toBeUndefined();
  });
});
