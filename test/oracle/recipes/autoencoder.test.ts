/** What a case does to latents is what pipelines do: of models with statistics of their latents, too. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSafetensors, readTensors } from '../../../src/formats/safetensors.ts';
import { scaledLatents, unscaledLatents } from '../../../src/models/autoencoder-kl/autoencoder-kl.ts';
import { parseAutoencoderKLConfig } from '../../../src/models/autoencoder-kl/config.ts';
import type { Case } from '../../../src/oracle/case.ts';
import { reference } from '../../../src/oracle/implementation.ts';
import { exact, traceCase } from '../../../src/oracle/trace.ts';
import { cast } from '../../../src/tensor/rounding.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';

const tensorsOf = (file: string): ReadonlyMap<string, Tensor> => {
  const url = new URL(`../../../fixtures/goldens/text/autoencoders/${file}`, import.meta.url);
  return readTensors(parseSafetensors(readFileSync(url), file));
};

function near(found: Tensor | undefined, wanted: Tensor): void {
  expect(found?.shape).toEqual(wanted.shape);
  wanted.data.forEach((value, i) => expect(found?.data[i]).toBeCloseTo(value, 12));
}

describe.each(['kl', 'kl-odd', 'kl-attention'])('the latents of %s', (name) => {
  const file = new URL(`../../../fixtures/goldens/text/autoencoders/${name}/config.json`, import.meta.url);
  const config = JSON.parse(readFileSync(file, 'utf8'));
  const weights = tensorsOf(`${name}/diffusion_pytorch_model.safetensors`);
  const golden = tensorsOf(`${name}/golden.safetensors`);
  const caseOf = (way: 'encode' | 'decode'): Case => ({
    name,
    title: name,
    truth: '',
    subject: { kind: 'autoencoder', config, way },
    inputs: new Map(['sample', 'latents'].map((input) => [input, golden.get(input)!])),
    weights,
    expected: new Map(),
  });
  const parsed = parseAutoencoderKLConfig(config);

  it('are scaled as in pipelines, and the mean is that of diffusers', () => {
    const seen = traceCase(caseOf('encode'), reference, exact);
    near(seen.get('mean'), golden.get('encode/mean/f64')!);
    near(seen.get('logvar'), golden.get('encode/logvar/f64')!);
    near(seen.get('latents'), scaledLatents(parsed, seen.get('mean')!));
  });

  it('are scaled back before they are decoded', () => {
    const seen = traceCase(caseOf('decode'), reference, exact);
    near(seen.get('decoder_input'), unscaledLatents(parsed, cast(golden.get('latents')!, 'f64')));
  });
});
