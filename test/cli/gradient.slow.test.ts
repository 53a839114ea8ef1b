/** `pag gradient`: what it writes, that it agrees with the library and between kernels, what it refuses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import { parseSafetensors, readTensor, readTensors } from '../../src/formats/safetensors.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { lossGradient } from '../../src/models/loss-gradient.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { fixture } from '../goldens.ts';
import { expectSameBits } from '../kernels/bits.ts';
import { capturePrinted, refusal } from './console.ts';
import { conditional, letters, temporaryFolder, tiny } from './models.ts';

const { path, save } = temporaryFolder();
const out = path('gradients.safetensors');
const written = (): ReadonlyMap<string, Tensor> => readTensors(parseSafetensors(readFileSync(out), out));
const gradient = (model: string, input: string, ...more: string[]): string[] => [
  ...['gradient', '--model', model, '--input', input, '--out', out],
  ...more,
];
const printed = capturePrinted();

const { randn } = manualSeed(3);
const [sample, target] = [randn([2, 3, 8, 8]), randn([2, 3, 8, 8])];
const timestep = { shape: [1], integers: [500] };
const good = save('input.safetensors', { sample, timestep, target });

describe('pag gradient', () => {
  it('writes the loss, and a gradient for the sample and each parameter, of their shapes', async () => {
    expect(await runCommand(gradient(tiny, good))).toBe(0);
    const { weights } = await loadModelFolder(await folderReader(tiny), tiny);
    const found = written();
    expect([...found.keys()].sort()).toEqual(
      ['loss', 'grad.sample', ...[...weights.keys()].map((name) => `grad.${name}`)].sort(),
    );
    expect(found.get('loss')).toMatchObject({ dtype: 'f32', shape: [1] });
    expect(found.get('grad.sample')?.shape).toEqual(sample.shape);
    for (const [name, { shape }] of weights) expect(found.get(`grad.${name}`)?.shape).toEqual(shape);
    expect(printed[0]).toMatch(/^the loss \d\.\d+ and \d+ gradients, f32 on simd, in \d/);
  });

  it.each(['f32', 'f64', 'f16'] as const)('gives what the library gives, whatever the kernels, %s', async (dtype) => {
    const { config, weights } = await loadModelFolder(await folderReader(tiny), tiny);
    const unet = createUNet(config, weights, dtype);
    const input = { sample: cast(sample, dtype), timesteps: [500] };
    const { loss, parameters } = lossGradient(unet, referenceBackend(), input, target);
    for (const kernels of dtype === 'f32' ? ['reference', 'simd', 'definition'] : ['reference', 'definition']) {
      expect(await runCommand(gradient(tiny, good, '--dtype', dtype, '--kernels', kernels))).toBe(0);
      const found = written();
      expectSameBits(found.get('loss') as Tensor, loss);
      for (const [name, value] of parameters) expectSameBits(found.get(`grad.${name}`) as Tensor, value);
    }
  });

  it('takes class labels, and the embeddings of a model that takes these', async () => {
    const one = { sample: randn([1, 1, 8, 8]), target: randn([1, 1, 8, 8]), timestep };
    const labelled = save('labels.safetensors', { ...one, class_labels: { shape: [1], integers: [2] } });
    expect(await runCommand(gradient(conditional, labelled))).toBe(0);
    const table = written().get('grad.class_embedding.weight') as Tensor;
    const [rows, size] = table.shape;
    const moved = Array.from({ length: rows }, (_, row) =>
      table.data.subarray(row * size, (row + 1) * size).some((value) => value !== 0),
    );
    expect(moved.flatMap((isMoved, row) => (isMoved ? [row] : []))).toEqual([2]);
    const embedded = fixture('goldens/unets/learned-time');
    const inputs = fixture('goldens/gradients/unet-learned-time.safetensors');
    expect(await runCommand(gradient(embedded, inputs))).toBe(0);
    expect([...written().keys()]).toContain('grad.time_proj.weight');
  });

  it('gives the gradients of a text and of its pooled vector, where there are such', async () => {
    const inputs = fixture('goldens/text/gradients/sd-xl.safetensors');
    expect(await runCommand(gradient(fixture('goldens/text/unets/sd-xl'), inputs))).toBe(0);
    const found = written();
    for (const name of ['encoder_hidden_states', 'text_embeds'])
      expect(found.get(`grad.${name}`)?.shape).toEqual(
        readTensor(parseSafetensors(readFileSync(inputs), inputs), name).shape,
      );
  });

  it.each<[string, string[], string]>([
    [
      'an input without a target',
      gradient(tiny, save('no-target.safetensors', { sample, timestep })),
      'no-target.safetensors: there is no tensor "target"; the file has sample, timestep',
    ],
    [
      'a target of another size',
      gradient(tiny, save('size.safetensors', { sample, timestep, target: randn([2, 3, 8, 4]) })),
      'the target has shape [2, 3, 8, 4]; it must have that of the sample, [2, 3, 8, 8]',
    ],
    [
      'a target with NaN',
      gradient(
        tiny,
        save('nan.safetensors', { sample, timestep, target: { ...target, data: target.data.map(() => NaN) } }),
      ),
      '"target" holds NaN (element 0 of 384)',
    ],
    [
      'a timestep that is NaN',
      gradient(tiny, save('t.safetensors', { sample, target, timestep: tensor('f32', [1], Float32Array.of(NaN)) })),
      'a timestep is NaN',
    ],
    [
      'a model with classes, without labels',
      gradient(
        letters,
        save('c.safetensors', { sample: zeros('f32', [1, 1, 32, 32]), target: zeros('f32', [1, 1, 32, 32]), timestep }),
      ),
      'the model is class-conditional, but no class labels are given',
    ],
    ['no output', ['gradient', '--model', tiny, '--input', good], '--out is missing'],
    ['no input', ['gradient', '--model', tiny, '--out', out], '--input is missing'],
    ['a precision that there is none', gradient(tiny, good, '--dtype', 'f8'), '--dtype is "f8"'],
  ])('refuses %s', async (_name, args, message) => {
    expect(await refusal(...args)).toContain(message);
  });
});
