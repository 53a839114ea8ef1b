/** `pag forward --component`: each model of text-to-picture by itself, held to PyTorch as its goldens have it. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { parseSafetensors, readTensor, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import { disagreement, goldenNames, goldenOf } from '../agreement.ts';
import { fixture, metadataOf, openGoldens } from '../goldens.ts';
import { capturePrinted, refusal } from './console.ts';
import { smallKernels, temporaryFolder } from './models.ts';

const { path, save } = temporaryFolder();
capturePrinted();
const goldens = (kind: string): readonly string[] =>
  readdirSync(fixture(`goldens/text/${kind}`)).filter((name) => !name.includes('.'));

/** What a model gives; `tensors` of the golden are its input, or those in a file. */
async function forward(folder: string, input: string, ...options: readonly string[]): Promise<SafetensorsFile> {
  const out = path('out.safetensors');
  const files = ['--model', fixture(folder), '--input', input, '--out', out, ...smallKernels];
  expect(await runCommand(['forward', ...files, ...options])).toBe(0);
  return parseSafetensors(readFileSync(out), out);
}

describe.each(['f32', 'f64'])('pag forward --component in %s', (dtype) => {
  it.each(goldens('unets'))('runs a UNet of text, plain and perturbed: %s', async (name) => {
    const folder = `goldens/text/unets/${name}`;
    const golden = openGoldens(`text/unets/${name}/golden.safetensors`);
    const { all } = metadataOf<Readonly<Record<string, readonly string[]>>>(golden, 'passes');
    const perturb = all ? ['--perturb', all.join(',')] : [];
    const found = await forward(folder, fixture(`${folder}/golden.safetensors`), '--dtype', dtype, ...perturb);
    expect(disagreement(readTensor(found, 'sample'), goldenOf(golden, 'plain/prediction'))).toBeUndefined();
    if (!all) return;
    expect(disagreement(readTensor(found, 'perturbed'), goldenOf(golden, 'all/prediction'))).toBeUndefined();
  });

  it.each(goldens('clip'))('runs a text encoder: %s', async (name) => {
    const folder = `goldens/text/clip/${name}`;
    const golden = openGoldens(`text/clip/${name}/golden.safetensors`);
    const input = fixture(`${folder}/golden.safetensors`);
    const found = await forward(folder, input, '--component', 'text_encoder', '--dtype', dtype);
    const projects = goldenNames(golden).includes('text_projection');
    const hidden = goldenNames(golden).filter((each) => each.startsWith('hidden.'));
    const whole = projects ? 'text_embeds' : 'pooled';
    expect([...found.entries.keys()].sort()).toEqual([...hidden, 'last_hidden_state', whole].sort());
    for (const each of found.entries.keys()) {
      const expected = goldenOf(golden, each === 'text_embeds' ? 'text_projection' : each);
      expect(disagreement(readTensor(found, each), expected), each).toBeUndefined();
    }
  });

  it.each(goldens('autoencoders'))('runs an autoencoder, either way: %s', async (name) => {
    const folder = `goldens/text/autoencoders/${name}`;
    const golden = openGoldens(`text/autoencoders/${name}/golden.safetensors`);
    const input = fixture(`${folder}/golden.safetensors`);
    const isTiny = name.startsWith('tiny');
    const encoded = await forward(folder, input, '--component', 'vae.encoder', '--dtype', dtype);
    expect([...encoded.entries.keys()].sort()).toEqual(isTiny ? ['latents'] : ['logvar', 'mean']);
    for (const each of encoded.entries.keys()) {
      const expected = goldenOf(golden, `encode/${each === 'latents' ? 'mean' : each}`);
      expect(disagreement(readTensor(encoded, each), expected), each).toBeUndefined();
    }
    const latents = save('latents.safetensors', { sample: readTensor(golden, 'latents') });
    const decoded = await forward(folder, latents, '--component', 'vae.decoder', '--dtype', dtype);
    expect(disagreement(readTensor(decoded, 'sample'), goldenOf(golden, 'decode/sample'))).toBeUndefined();
  });
});

describe('pag forward --component', () => {
  const xl = 'goldens/text/pipelines/sd-xl';
  const ids = (): string =>
    save('ids.safetensors', {
      input_ids: { shape: [1, 12], integers: [777, ...Array.from({ length: 11 }, () => 778)] },
    });

  it('finds each model of a pipeline', async () => {
    const names = async (...options: readonly string[]): Promise<readonly string[]> =>
      [...(await forward(xl, ids(), ...options)).entries.keys()].sort();
    const hidden = ['hidden.0', 'hidden.1', 'hidden.2', 'last_hidden_state'];
    expect(await names('--component', 'text_encoder')).toEqual([...hidden, 'pooled']);
    expect(await names('--component', 'text_encoder_2')).toEqual([...hidden, 'text_embeds']);
  });

  it('shows inner values, and no others than those that are asked for', async () => {
    const found = await forward(xl, ids(), '--component', 'text_encoder', '--taps', 'encoder.layers.0.mlp');
    const taps = [...found.entries.keys()].filter((name) => name.startsWith('tap.'));
    expect(taps).toEqual(['tap.encoder.layers.0.mlp']);
  });

  it.each([
    [['--component', 'vae'], '--component is "vae"; expected unet, text_encoder, text_encoder_2, vae.encoder'],
    [['--component', 'text_encoder', '--perturb', 'mid'], 'mid'],
    [['--component', 'vae.decoder'], 'there is no tensor "sample"'],
    [['--component', 'unet'], 'there is no tensor "sample"'],
  ])('refuses %s', async (options, message) => {
    const files = ['--model', fixture(xl), '--input', ids(), '--out', path('x.safetensors')];
    expect(await refusal('forward', ...files, ...options)).toContain(message);
  });

  it('refuses texts that are none, and a folder that has no such model', async () => {
    const files = (input: string): string[] => [
      '--model',
      fixture(xl),
      '--input',
      input,
      '--out',
      path('x.safetensors'),
    ];
    const flat = save('flat.safetensors', { input_ids: { shape: [2], integers: [1, 2] } });
    expect(await refusal('forward', ...files(flat), '--component', 'text_encoder')).toContain('expected [B,N]');
    const one = ['--model', fixture('goldens/text/pipelines/sd-1'), '--input', ids(), '--out', path('x.safetensors')];
    expect(await refusal('forward', ...one, '--component', 'text_encoder_2')).toContain(
      'there is no text_encoder_2/config.json',
    );
  });
});
