/** Model folders on a disk, from the command line: what is said of them, and what is refused before much is read. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { encodePng } from '../../src/formats/png.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { fixture } from '../goldens.ts';
import { capturePrinted, refusal } from './console.ts';
import { temporaryFolder } from './models.ts';

const { path, save } = temporaryFolder();
capturePrinted();
const unet = fixture('cases/unet');
const weights = 'diffusion_pytorch_model.safetensors';
const latents = path('latents.safetensors');
const draw = (folder: string, ...more: string[]) => [
  'sample',
  '--model',
  folder,
  '--steps',
  '2',
  '--count',
  '1',
  '--latents',
  latents,
  ...more,
];

/** What a command says on stderr. */
async function said(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(await runCommand(args)).toBe(0);
  const text = write.mock.calls.map(([line]) => String(line)).join('');
  write.mockRestore();
  return text;
}

const drawn = () => readTensor(parseSafetensors(readFileSync(latents), latents), 'sample').data;

function modelWith(name: string, files: Readonly<Record<string, string>>): string {
  cpSync(unet, path(name), { recursive: true });
  for (const [file, content] of Object.entries(files)) writeFileSync(path(`${name}/${file}`), content);
  return path(name);
}

describe('a folder', () => {
  it('with nothing odd in it is drawn with in silence', async () => {
    expect(await said(...draw(unet), '--scheduler', 'ddim')).toBe('');
  });

  it('without a scheduler is drawn with DDIM, which is said, and how to choose another', async () => {
    const assumed =
      "pag: the model has no scheduler_config.json: assumed is DDIM with diffusers' defaults (of ε, 1000 timesteps, " +
      'β from 0.0001 to 0.02); give --scheduler NAME or --scheduler-config FILE.json to choose\n';
    expect(await said(...draw(unet))).toBe(assumed);
    const drawnSo = drawn();
    writeFileSync(path('ddim.json'), '{"_class_name": "DDIMScheduler"}');
    expect(await said(...draw(unet), '--scheduler-config', path('ddim.json'))).toBe('');
    expect(drawn()).toEqual(drawnSo);
  });

  it('has its scheduler beside the weights, and unknown keys are named once', async () => {
    const scheduler = { _class_name: 'EulerDiscreteScheduler', tensor_format: 'pt', skip_prk_steps: true };
    const config = JSON.parse(readFileSync(`${unet}/config.json`, 'utf8')) as Record<string, unknown>;
    const folder = modelWith('beside', {
      'config.json': JSON.stringify({ ...config, decay: 0.99 }),
      'scheduler_config.json': JSON.stringify(scheduler),
    });
    expect(await said(...draw(folder))).toBe(
      `pag: ${folder}/config.json: UNet2DModel has no "decay", as in diffusers ignored\n` +
        'pag: EulerDiscreteScheduler has no key "tensor_format", as in diffusers ignored\n',
    );
    const beside = drawn();
    await said(...draw(unet, '--scheduler', 'euler'));
    expect(beside).toEqual(drawn());
  });

  it('may be of links, as the cache of the Hub is', async () => {
    mkdirSync(path('cache/snapshots/4be1'), { recursive: true });
    mkdirSync(path('cache/refs'));
    writeFileSync(path('cache/refs/main'), '4be1');
    for (const file of ['config.json', weights]) symlinkSync(`${unet}/${file}`, path(`cache/snapshots/4be1/${file}`));
    await said(...draw(unet));
    const plain = drawn();
    for (const folder of ['cache', 'cache/snapshots/4be1']) {
      await said(...draw(path(folder)));
      expect(drawn()).toEqual(plain);
    }
    symlinkSync('../../blobs/5d41', path('cache/snapshots/4be1/scheduler_config.json'));
    expect(await refusal(...draw(path('cache')))).toMatch(/is a link to ..\/..\/blobs\/5d41, which is missing/);
  });

  it('of a variant is drawn with when that is asked for', async () => {
    mkdirSync(path('half'));
    writeFileSync(path('half/config.json'), readFileSync(`${unet}/config.json`));
    const file = 'diffusion_pytorch_model.fp16.safetensors';
    writeFileSync(path(`half/${file}`), readFileSync(fixture(`cases/variant-fp16/${file}`)));
    expect(await refusal(...draw(path('half')))).toContain('there is the variant fp16: take it by --variant fp16');
    expect(await said(...draw(path('half'), '--variant', 'fp16', '--scheduler', 'ddim'))).toBe('');
    expect(await refusal(...draw(path('half'), '--variant', '../x'))).toBe(
      'the variant is "../x"; expected a name, as "fp16"',
    );
    const input = fixture('cases/in.safetensors');
    const forward = ['forward', '--model', path('half'), '--input', input, '--out', path('forward.safetensors')];
    expect(await said(...forward, '--variant', 'fp16')).toBe('');
  });

  it('that is a file is told from one', async () => {
    expect(await refusal(...draw(`${unet}/${weights}`))).toContain(
      'is not a folder; a checkpoint of one file has no config: give the folder that',
    );
  });
});

describe('what is too large is refused before it is read', () => {
  it('nonsense for weights, after its first 8 bytes', async () => {
    const folder = modelWith('nonsense', { [weights]: 'PK\u0003\u0004' });
    truncateSync(`${folder}/${weights}`, 3 * 2 ** 30);
    expect(await refusal(...draw(folder))).toContain(`${weights}: the file is a zip archive`);
    truncateSync(`${folder}/${weights}`, 0);
    writeFileSync(`${folder}/${weights}`, Buffer.from('1000000000000000', 'hex'));
    truncateSync(`${folder}/${weights}`, 3 * 2 ** 30);
    expect(await refusal(...draw(folder))).toContain('the header is not JSON');
    save('noise.safetensors', 'x');
    truncateSync(path('noise.safetensors'), 3 * 2 ** 30);
    expect(
      await refusal('sample', '--model', unet, '--latents', latents, '--noise', path('noise.safetensors')),
    ).toContain('the header is not JSON');
  });

  it('a config, by its size', async () => {
    const folder = modelWith('config', { 'scheduler_config.json': '{}' });
    truncateSync(`${folder}/config.json`, 3 * 2 ** 30);
    const message = 'config.json has 3221225472 bytes; at most 16777216 are read of a file of this kind';
    expect(await refusal(...draw(folder))).toContain(message);
    truncateSync(`${folder}/scheduler_config.json`, 3 * 2 ** 30);
    expect(await refusal(...draw(unet, '--scheduler-config', `${folder}/scheduler_config.json`))).toContain(
      'scheduler_config.json has 3221225472 bytes',
    );
  });

  it('pictures that no machine holds, by the config', async () => {
    const config = JSON.parse(readFileSync(`${unet}/config.json`, 'utf8')) as Record<string, unknown>;
    const folder = modelWith('huge', { 'config.json': JSON.stringify({ ...config, sample_size: 65536 }) });
    expect(await refusal(...draw(folder))).toMatch(
      /^there is not enough memory: this takes at least \d+(\.\d)? [GT]B, but/,
    );
  });
});

it.each(['google/ddpm-cat-256', 'https://huggingface.co/google/ddpm-cat-256'])(
  'a model of the Hub is not downloaded, which is said: %s',
  async (name) => {
    expect(await refusal(...draw(name))).toBe(
      `cannot read ${name}: there is no such folder; models are not downloaded here: fetch it first, ` +
        'as with "hf download", and give the folder',
    );
    expect(await refusal(...draw(`./${name}`))).toContain(': there is no such file or folder');
  },
);

it('a mask without white repaints nothing, which is said', async () => {
  const [white, black] = [255, 0].map((grey) => {
    writeFileSync(
      path(`${grey}.png`),
      encodePng({ width: 8, height: 8, channels: 1, pixels: new Uint8Array(64).fill(grey) }),
    );
    return path(`${grey}.png`);
  });
  const masked = (mask: string) => draw(unet, '--scheduler', 'ddim', '--init', white, '--inpaint', mask);
  expect(await said(...masked(white))).toBe('');
  expect(await said(...masked(black))).toBe(`pag: ${black}: nothing in it is white, so nothing is repainted\n`);
  expect(drawn().every((value) => value === 1)).toBe(true);
});

it('names that other programs have for samplers are known', async () => {
  expect(await refusal(...draw(unet, '--scheduler', 'DPM++ 2M Karras'))).toContain(
    '; that is "dpm" with "use_karras_sigmas": true in a --scheduler-config',
  );
  expect(await refusal('schedulers', 'Euler a')).toContain(
    'there is no scheduler "Euler a"; that is "euler-ancestral"',
  );
});

it('a scheduler config without a class is refused with what is known', async () => {
  save('config.json', '{"num_train_timesteps": 1000}');
  expect(await refusal(...draw(unet, '--scheduler-config', path('config.json')))).toContain(
    'the scheduler without a _class_name is not known; known are DDPMScheduler',
  );
});
