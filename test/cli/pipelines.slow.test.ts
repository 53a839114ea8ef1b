/**
 * `pag sample --prompt` with pipelines of Stable Diffusion 1, 2 and XL, of inpainting and of latent consistency, held
 * to diffusers' own with PAG: from the same seed, step by step, from noise, from a picture, and with a mask.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { disagreement, goldenNames, goldenOf } from '../agreement.ts';
import { fixture, metadataOf, openGoldens } from '../goldens.ts';
import { capturePrinted } from './console.ts';
import { smallKernels, temporaryFolder } from './models.ts';
import { dtypesOfLarge } from '../thorough.ts';

/** What a golden run was called with; diffusers' names. */
interface Setting {
  readonly mode: 'text' | 'picture' | 'inpaint' | 'consistency';
  readonly prompt: string | readonly string[];
  readonly negative_prompt?: string | readonly string[];
  readonly num_images_per_prompt?: number;
  readonly seed: number;
  readonly seeds?: readonly number[];
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly pag_scale: number;
  readonly pag_applied_layers: readonly string[];
  readonly tiling?: boolean;
  readonly large?: boolean;
  readonly latents?: readonly number[];
  readonly [option: string]: unknown;
}

const folders = ['sd-1', 'sd-2', 'inpainting', 'lcm', 'sd-xl'] as const;
const root = 'text/pipelines';
const goldens = folders.map((folder) => [folder, openGoldens(`${root}/${folder}/golden.safetensors`)] as const);
const cases = goldens.flatMap(([folder, file]) =>
  Object.entries(metadataOf<Readonly<Record<string, Setting>>>(file, 'runs')).map(
    ([run, setting]) => [folder, run, setting, file] as const,
  ),
);
const { path, save } = temporaryFolder();
capturePrinted();

/** Options that are given as diffusers calls them. */
const sameName = ['height', 'width', 'eta', 'strength', 'clip_skip', 'guidance_rescale', 'pag_adaptive_scale'];
const lists = ['original_size', 'crops_coords_top_left', 'target_size'];

function guidanceOf(folder: string, setting: Setting): readonly string[] {
  const { guidance_scale: g, pag_scale: s, pag_applied_layers: layers } = setting;
  const isFree = g !== 1 && folder !== 'lcm';
  const names = [...(isFree ? ['cfg'] : []), ...(s > 0 ? ['pag'] : [])];
  return [
    ...['--guidance', names.join('+') || 'none'],
    ...(g !== 1 ? ['--guidance-scale', `${g}`] : []),
    ...(s > 0 ? ['--pag-scale', `${s}`, '--pag-layers', layers.join(',')] : []),
  ];
}

function optionsOf(folder: string, setting: Setting): readonly string[] {
  const flag = (name: string): string => `--${name.replaceAll('_', '-')}`;
  const texts = (name: string): readonly string[] =>
    [setting[name] ?? []].flat().flatMap((text) => [flag(name), String(text)]);
  const noise = setting.latents && { noise: manualSeed(setting.seed).randn(setting.latents) };
  const picture = fixture(`goldens/${root}/${setting.large === true ? 'large' : 'picture'}.png`);
  return [
    ...['--model', fixture(`goldens/${root}/${folder}`), '--steps', `${setting.num_inference_steps}`],
    ...(folder === 'sd-2' ? ['--variant', 'fp16'] : []),
    ...texts('prompt'),
    ...texts('negative_prompt'),
    ...(setting.seeds ? ['--seeds', setting.seeds.join(',')] : ['--seed', `${setting.seed}`]),
    ...(setting.num_images_per_prompt === undefined ? [] : ['--count', `${setting.num_images_per_prompt}`]),
    ...(noise ? ['--noise', save('noise.safetensors', noise)] : []),
    ...(setting.tiling === true ? ['--vae-tiling'] : []),
    ...(setting.mode === 'text' ? [] : ['--init', picture]),
    ...(setting.mode === 'inpaint' ? ['--inpaint', fixture(`goldens/${root}/mask.png`)] : []),
    ...sameName.flatMap((name) => (setting[name] === undefined ? [] : [flag(name), String(setting[name])])),
    ...lists.flatMap((name) => (setting[name] === undefined ? [] : [flag(name), String(setting[name])])),
    ...guidanceOf(folder, setting),
  ];
}

describe.each(dtypesOfLarge)('pag sample --prompt in %s', (dtype) => {
  it.each(cases)('draws as the pipelines of diffusers do: %s, %s', async (folder, run, setting, file) => {
    const out = path('out.safetensors');
    const options = [...optionsOf(folder, setting), '--dtype', dtype, '--noise-dtype', 'f32', '--latents', out];
    const isFirst = cases.find(([other]) => other === folder)?.[1] === run;
    expect(await runCommand(['sample', ...options, ...(isFirst ? [] : smallKernels)])).toBe(0);
    const drawn = parseSafetensors(readFileSync(out), out);
    const names = goldenNames(file, `${run}/`);
    expect(names.length).toBeGreaterThan(1);
    for (const name of names)
      expect(disagreement(readTensor(drawn, name), goldenOf(file, `${run}/${name}`)), name).toBeUndefined();
  });
});
