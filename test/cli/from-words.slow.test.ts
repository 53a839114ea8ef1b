/** `pag sample --prompt` against StableDiffusionPAGPipeline, with the letters model that obeys words. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { writeWhole } from '../../src/formats/node-files.ts';
import { parseSafetensors, readTensor, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture, metadataOf, openGoldens } from '../goldens.ts';
import { capturePrinted, refusal } from './console.ts';
import { smallKernels } from './models.ts';

const model = fixture('letters-text/model');
const golden = openGoldens('letters-text/golden.safetensors');
const folder = mkdtempSync(join(tmpdir(), 'pag-words-'));
afterAll(() => rmSync(folder, { recursive: true }));
capturePrinted();

interface Run {
  readonly prompt: string;
  readonly guidance_scale: number;
  readonly pag_scale: number;
  readonly num_inference_steps: number;
  readonly pag_layers: readonly string[];
}
const runs = metadataOf<Readonly<Record<string, Run>>>(golden, 'runs');

describe('pag sample --prompt', () => {
  it.each(Object.entries(runs))('draws "%s" as the pipeline does, step by step', async (name, run) => {
    const [noise, out] = [
      join(folder, 'noise.safetensors'),
      join(folder, `${name.replaceAll(/\W/g, '-')}.safetensors`),
    ];
    writeWhole(noise, writeSafetensors({ noise: readTensor(golden, `${name}/noise`) }));
    const guided = run.guidance_scale !== 1;
    const guidance = [
      ...['--guidance', guided ? 'cfg+pag' : 'pag', '--pag-scale', `${run.pag_scale}`],
      ...['--pag-layers', run.pag_layers.join(',')],
      ...(guided ? ['--guidance-scale', `${run.guidance_scale}`] : []),
    ];
    const steps = ['--steps', `${run.num_inference_steps}`];
    const files = ['--noise', noise, '--latents', out];
    expect(
      await runCommand(['sample', '--model', model, '--prompt', run.prompt, ...guidance, ...steps, ...files]),
    ).toBe(0);
    const drawn = parseSafetensors(readFileSync(out), out);
    for (let i = 0; i < run.num_inference_steps; i++)
      expect(
        disagreement(readTensor(drawn, `step.${i}`), goldenOf(golden, `${name}/step.${i}`)),
        `${i}`,
      ).toBeUndefined();
    expect(disagreement(readTensor(drawn, 'image'), goldenOf(golden, `${name}/picture`))).toBeUndefined();
  });

  it.each([
    [['--prompt', 'A', '--labels', '0'], '--labels has no effect with --prompt; leave it out'],
    [['--negative-prompt', 'A'], '--negative-prompt has no effect without --prompt'],
  ])('refuses %s', async (options, message) => {
    expect(await refusal('sample', '--model', model, '--out', join(folder, 'x.png'), ...options)).toBe(message);
  });

  it('refuses a folder that is no pipeline with text', async () => {
    const letters = fixture('letters/model');
    expect(await refusal('sample', '--model', letters, '--prompt', 'A', '--out', join(folder, 'x.png'))).toContain(
      'the DDIMPipeline has no text_encoder; supported are pipelines of Stable Diffusion 1, 2 and XL',
    );
  });

  it('draws something else for another negative prompt', async () => {
    const draw = async (...more: string[]): Promise<Tensor> => {
      const out = join(folder, 'drawn.safetensors');
      const run = ['--model', fixture('goldens/text/pipelines/sd-1'), '--prompt', 'letter A', '--steps', '1'];
      const files = ['--latents', out, ...smallKernels];
      expect(
        await runCommand(['sample', ...run, ...files, '--guidance', 'cfg', '--guidance-scale', '3', ...more]),
      ).toBe(0);
      return readTensor(parseSafetensors(readFileSync(out), out), 'image');
    };
    const plain = await draw();
    expect(await draw('--negative-prompt', '')).toEqual(plain);
    expect(await draw('--negative-prompt', 'bold')).not.toEqual(plain);
  });
});
