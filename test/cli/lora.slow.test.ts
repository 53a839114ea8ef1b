/** `--lora`: merged into the weights of what is run, and what is said of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { writeWhole } from '../../src/formats/node-files.ts';
import { parseSafetensors, readTensor, writeSafetensors } from '../../src/formats/safetensors.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { mergeLora } from '../../src/models/lora.ts';
import { runModel } from '../../src/models/passes.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { fixture, loadFixtureModel } from '../goldens.ts';
import { capturePrinted, refusal } from './console.ts';
import { smallKernels } from './models.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag-lora-'));
afterAll(() => rmSync(folder, { recursive: true }));
capturePrinted();
const place = (name: string): string => join(folder, name);

/** A LoRA of rank 2 for a module. */
function loraOf(name: string, outputs: number, inputs: number, seed: number): Readonly<Record<string, Tensor>> {
  const { randn } = manualSeed(seed);
  return { [`${name}.lora_A.weight`]: randn([2, inputs]), [`${name}.lora_B.weight`]: randn([outputs, 2]) };
}
const inLetters = loraOf('unet.mid_block.attentions.0.to_q', 96, 96, 1);
const elsewhere = loraOf('unet.nowhere.to_q', 4, 4, 2);
writeWhole(place('one.safetensors'), writeSafetensors(inLetters));
writeWhole(place('both.safetensors'), writeSafetensors({ ...inLetters, ...elsewhere }));
writeWhole(place('none.safetensors'), writeSafetensors(elsewhere));
const input = {
  sample: manualSeed(3).randn([1, 1, 8, 8]),
  timestep: { shape: [1], integers: [500] },
  class_labels: { shape: [1], integers: [3] },
};
writeWhole(place('in.safetensors'), writeSafetensors(input));

async function forward(...options: readonly string[]): Promise<Tensor> {
  const out = place('out.safetensors');
  const files = ['--input', place('in.safetensors'), '--out', out];
  expect(await runCommand(['forward', ...files, ...options])).toBe(0);
  return readTensor(parseSafetensors(readFileSync(out), out), 'sample');
}

describe('pag forward --lora', () => {
  it('runs the model with the merged weights; several at once are merged in their order', async () => {
    const { config, weights } = await loadFixtureModel('letters/model');
    const updates = [
      {
        name: 'a',
        module: 'mid_block.attentions.0.to_q',
        down: inLetters['unet.mid_block.attentions.0.to_q.lora_A.weight']!,
        up: inLetters['unet.mid_block.attentions.0.to_q.lora_B.weight']!,
      },
    ];
    const merged = mergeLora(weights, [
      { source: 'a', updates, scale: 0.5 },
      { source: 'b', updates, scale: -0.2 },
    ]);
    const given = { sample: input.sample, timesteps: [500], classLabels: [3] };
    const { predictions } = runModel(createUNet(config, merged.weights), referenceBackend(), given);
    const found = await forward('--lora', `${place('one.safetensors')}:0.5,${place('one.safetensors')}:-0.2`);
    expect(found).toEqual(predictions[0]);
    const plain = await forward(...smallKernels);
    expect(found).not.toEqual(plain);
    expect(await forward('--lora', `${place('one.safetensors')}:0`, ...smallKernels)).toEqual(plain);
  });

  it('names the updates that belong to no module, and refuses a LoRA none of whose does', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await forward('--lora', place('both.safetensors'), ...smallKernels);
    expect(said.mock.calls.join('')).toContain(
      '1 of 2 updates belong to no module of the model: "unet.nowhere.to_q.lora_A.weight"',
    );
    const files = ['--input', place('in.safetensors'), '--out', place('x.safetensors')];
    expect(await refusal('forward', ...files, '--lora', place('none.safetensors'))).toContain(
      '1 of 1 updates belong to no',
    );
    expect(await refusal('forward', ...files, '--lora', `${place('one.safetensors')}:x`)).toContain(
      'expected a finite number',
    );
    expect(await refusal('forward', ...files, '--lora', place('missing.safetensors'))).toContain(
      'there is no such file',
    );
    expect(await refusal('forward', ...files, '--lora', folder)).toContain(
      'there is no pytorch_lora_weights.safetensors',
    );
  });
});

describe('pag sample --prompt --lora', () => {
  it('changes the text encoder and the UNet, of a pipeline', async () => {
    const text = loraOf('text_encoder.text_model.encoder.layers.0.self_attn.q_proj', 8, 8, 4);
    const unet = loraOf('unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q', 8, 8, 5);
    writeWhole(place('text.safetensors'), writeSafetensors(text));
    writeWhole(place('unet.safetensors'), writeSafetensors(unet));
    const draw = async (...options: readonly string[]): Promise<Tensor> => {
      const out = place('drawn.safetensors');
      const words = ['--model', fixture('goldens/text/pipelines/sd-1'), '--prompt', 'A', '--steps', '1'];
      expect(await runCommand(['sample', ...words, ...smallKernels, '--latents', out, ...options])).toBe(0);
      return readTensor(parseSafetensors(readFileSync(out), out), 'sample');
    };
    const plain = await draw();
    expect(await draw('--lora', place('text.safetensors'))).not.toEqual(plain);
    expect(await draw('--lora', place('unet.safetensors'))).not.toEqual(plain);
    expect(await draw('--lora', `${place('unet.safetensors')}:0`)).toEqual(plain);
  });
});
