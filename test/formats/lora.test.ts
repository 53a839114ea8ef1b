/** Files of LoRA under all their names, against diffusers' `load_lora_weights` and `fuse_lora`; and what is refused. */
import { describe, expect, it } from 'vitest';
import { componentKinds } from '../../src/formats/components.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import { loadLora, readLora, type LoraPart } from '../../src/formats/lora.ts';
import { parseSafetensors, writeSafetensors, type SafetensorsFile } from '../../src/formats/safetensors.ts';
import { mergeLora } from '../../src/models/lora.ts';
import type { Weights } from '../../src/models/model.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture, loadFixtureFiles, metadataOf, openGoldens } from '../goldens.ts';

const pipeline = 'goldens/text/lora/pipeline';
const models: ReadonlyMap<LoraPart, Weights> = new Map([
  ['unet', (await loadFixtureFiles(`${pipeline}/unet`, componentKinds.UNet2DConditionModel)).weights],
  ['text_encoder', (await loadFixtureFiles(`${pipeline}/text_encoder`, componentKinds.CLIPTextModel)).weights],
]);
const fused = openGoldens('text/lora/fused.safetensors');
const scale = metadataOf<number>(fused, 'scale');
const names = [...new Set([...fused.entries.keys()].map((name) => name.replace(/\/f\d\d$/, '')))];

describe.each(['peft', 'diffusers', 'processors', 'kohya', 'authors'])('%s.safetensors', (file) => {
  const lora = readLora(openGoldens(`text/lora/${file}.safetensors`));

  it.each(['f32', 'f64'] as const)('is fused as diffusers fuses it, in %s', (dtype) => {
    const mine = names.filter((name) => name.startsWith(`${file}/`));
    expect(mine.length).toBeGreaterThan(5);
    const compared: string[] = [];
    for (const [part, given] of models) {
      const weights = new Map([...given].map(([key, value]) => [key, cast(value, dtype)]));
      const merged = mergeLora(weights, [{ source: file, updates: lora.updates[part], scale }]);
      expect(merged.unmatched).toEqual([[]]);
      for (const name of mine.filter((golden) => golden.startsWith(`${file}/${part}.`))) {
        const weight = merged.weights.get(`${name.slice(`${file}/${part}.`.length)}.weight`);
        expect(disagreement(weight, goldenOf(fused, name)), name).toBeUndefined();
        compared.push(name);
      }
    }
    expect(compared.sort()).toEqual(mine.sort());
  });
});

it('diffusers gives modules of a Kohya file another alpha than their own, or drops them', () => {
  expect(metadataOf<Readonly<Record<string, readonly string[]>>>(fused, 'otherwise')['kohya']!.length).toBeGreaterThan(
    9,
  );
});

/** A file of tensors by name. */
function fileOf(tensors: Readonly<Record<string, Tensor>>, metadata = {}): SafetensorsFile {
  return parseSafetensors(writeSafetensors(tensors, metadata), 'mine.safetensors');
}
const [down, up, one] = [zeros('f32', [2, 3]), zeros('f32', [4, 2]), zeros('f32', [])];
const whole = { 'unet.a.to_q.lora_A.weight': down, 'unet.a.to_q.lora_B.weight': up };

describe('names', () => {
  it.each([
    ['unet.mid.attn1.to_q.lora_A.weight', 'unet', 'mid.attn1.to_q'],
    ['unet.mid.attn1.to_q.lora_A.default.weight', 'unet', 'mid.attn1.to_q'],
    ['base_model.model.mid.attn1.to_q.lora_A.weight', 'unet', 'mid.attn1.to_q'],
    ['unet.mid.attn1.to_out.0.lora.down.weight', 'unet', 'mid.attn1.to_out.0'],
    ['mid.attn1.processor.to_out_lora.down.weight', 'unet', 'mid.attn1.to_out.0'],
    ['unet.mid.attn1.processor.to_k_lora.down.weight', 'unet', 'mid.attn1.to_k'],
    ['lora_unet_mid_attn1_to_q.lora_down.weight', 'unet', 'mid_attn1_to_q'],
    [
      'text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_A.weight',
      'text_encoder',
      'encoder.layers.0.self_attn.q_proj',
    ],
    ['text_encoder.encoder.layers.0.mlp.fc1.lora_linear_layer.down.weight', 'text_encoder', 'encoder.layers.0.mlp.fc1'],
    [
      'text_encoder.text_model.encoder.layers.0.self_attn.to_out_lora.down.weight',
      'text_encoder',
      'encoder.layers.0.self_attn.out_proj',
    ],
    ['lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight', 'text_encoder', 'encoder_layers_0_mlp_fc1'],
    ['lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight', 'text_encoder', 'encoder_layers_0_mlp_fc1'],
    ['lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight', 'text_encoder_2', 'encoder_layers_0_mlp_fc1'],
    ['text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight', 'text_encoder_2', 'encoder.layers.0.mlp.fc1'],
  ] as const)('%s is of %s: %s', (name, part, module) => {
    const other = name.replace('lora_A', 'lora_B').replace(/(lora_|\.)down/, '$1up');
    const { updates, warnings } = readLora(fileOf({ [name]: down, [other]: up }));
    expect(updates[part].map((update) => [update.name, update.module])).toEqual([[name, module]]);
    expect(warnings).toEqual([]);
  });

  it('that are none of LoRA are named, a few of them', () => {
    const others = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`other.${i}`, one]));
    const { warnings } = readLora(fileOf({ ...whole, ...others }));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('"other.0", "other.1", "other.2", "other.3", … (40 in all)');
    expect(warnings[0]!.length).toBeLessThan(200);
  });
});

describe('alpha', () => {
  const alphaOf = (file: SafetensorsFile): number | undefined => readLora(file).updates.unet[0]!.alpha;
  const said = (config: object): SafetensorsFile => fileOf(whole, { lora_adapter_metadata: JSON.stringify(config) });

  it('is the tensor beside it, else what the adapter’s config says, else nothing', () => {
    const five = { ...one, data: Float32Array.of(5) };
    expect(alphaOf(fileOf({ ...whole, 'unet.a.to_q.alpha': five }))).toBe(5);
    expect(alphaOf(said({ 'unet.lora_alpha': 8, 'text_encoder.lora_alpha': 3 }))).toBe(8);
    expect(alphaOf(said({ 'unet.lora_alpha': 8, 'unet.alpha_pattern': { 'b.to_q': 1, 'a.to_q': 2 } }))).toBe(2);
    expect(alphaOf(said({ 'text_encoder.lora_alpha': 3 }))).toBeUndefined();
    expect(alphaOf(fileOf(whole))).toBeUndefined();
  });

  it.each([
    [said({ 'unet.use_rslora': true }), 'lora_adapter_metadata has unet.use_rslora, which is not supported'],
    [said({ 'unet.lora_alpha': 'x' }), 'has an alpha of unet that is no number'],
    [fileOf(whole, { lora_adapter_metadata: '[1' }), 'lora_adapter_metadata'],
    [fileOf({ ...whole, 'unet.a.to_q.alpha': down }), 'has shape [2, 3]; an alpha is one number'],
  ])('is refused where it is none', (file, message) => {
    expect(() => readLora(file)).toThrow(InputError);
    expect(() => readLora(file)).toThrow(message);
  });
});

describe('refused by name is', () => {
  it.each([
    ['lora_unet_a.dora_scale', 'DoRA'],
    ['unet.a.lora_magnitude_vector', 'DoRA'],
    ['lora_unet_a.hada_w1_a', 'LoHa'],
    ['lora_unet_a.lokr_w1', 'LoKr'],
    ['lora_unet_a.lora_mid.weight', 'a LoCon with a middle matrix'],
    ['lora_unet_a.oft_blocks', 'OFT'],
    ['lora_unet_a.diff', 'whole differences of weights'],
    ['unet.a.lora_B.bias', 'a LoRA with biases'],
    ['down_blocks.0.motion_modules.0.temporal_transformer.a.lora_A.weight', 'of AnimateDiff'],
    ['image_proj.norm.weight', 'an IP-Adapter'],
    ['ip_adapter.1.to_k_ip.weight', 'an IP-Adapter'],
    ['control_model.input_hint_block.0.weight', 'a ControlNet'],
    ['transformer.blocks.0.lora_A.weight', 'a LoRA of a transformer'],
  ])('%s', (name, kind) => {
    const read = () => readLora(fileOf({ ...whole, [name]: one }));
    expect(read).toThrow(InputError);
    expect(read).toThrow(`mine.safetensors: "${name}" is of ${kind}`);
  });

  it.each<[Readonly<Record<string, Tensor>>, string]>([
    [{}, 'mine.safetensors holds no LoRA: it is empty'],
    [{ 'conv_in.weight': one }, 'mine.safetensors holds no LoRA: it begins with "conv_in.weight"'],
    [{ 'unet.a.to_q.lora_A.weight': down }, '"unet.a.to_q.lora_A.weight" has no up beside it'],
    [{ 'unet.a.to_q.lora_B.weight': up }, '"unet.a.to_q.lora_B.weight" has no down beside it'],
    [{ 'unet.a.to_q.alpha': one }, '"unet.a.to_q.alpha" has no down beside it'],
    [{ ...whole, 'unet.a.to_q.lora.down.weight': down }, 'are one and the same'],
  ])('half of a LoRA: %o', (tensors, message) => {
    const read = () => readLora(fileOf(tensors));
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });
});

describe('a folder', () => {
  const folderOf = (files: Readonly<Record<string, Uint8Array>>) =>
    Object.assign((path: string) => Promise.resolve(files[path]), { list: () => Promise.resolve(Object.keys(files)) });
  const json = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

  it('has its LoRA in pytorch_lora_weights.safetensors', async () => {
    const lora = await loadLora(folderOf({ 'pytorch_lora_weights.safetensors': writeSafetensors(whole) }), 'mine');
    expect(lora.source).toBe('mine/pytorch_lora_weights.safetensors');
    expect(lora.updates.unet).toHaveLength(1);
  });

  it.each([
    [
      { 'config.json': json({ _class_name: 'ControlNetModel' }) },
      'it is a ControlNetModel: ControlNet is not supported',
    ],
    [{ 'config.json': json({ _class_name: 'MotionAdapter' }) }, 'it is a MotionAdapter: AnimateDiff is not supported'],
    [
      { 'model_index.json': json({ _class_name: 'AnimateDiffPipeline' }) },
      'it is a AnimateDiffPipeline: AnimateDiff is not supported',
    ],
    [{ 'config.json': json({ _class_name: 'UNet2DModel' }) }, 'it is a UNet2DModel'],
    [{ 'other.safetensors': json({}) }, 'a file is given by its own name: other.safetensors'],
    [{}, 'mine: there is no pytorch_lora_weights.safetensors'],
  ])('of another kind is refused', async (files, message) => {
    const loading = loadLora(folderOf(files), 'mine');
    await expect(loading).rejects.toThrow(InputError);
    await expect(loading).rejects.toThrow(message);
  });

  it('is read from a disk', async () => {
    const reader = await folderReader(fixture('goldens/text/lora'));
    await expect(loadLora(reader, 'lora')).rejects.toThrow('a file is given by its own name: authors.safetensors');
  });
});
