import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands, explain, runCommand } from '../../src/cli/commands.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import { parseSafetensors, readTensor, readTensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { fixture } from '../goldens.ts';
import { expectSameBits } from '../kernels/bits.ts';
import { capturePrinted, refusal } from './console.ts';
import { letters, smallKernels, temporaryFolder, tiny, tinyLayers } from './models.ts';

const { path, save } = temporaryFolder();
const out = path('out.png');
const latents = path('latents.safetensors');
const read = (file: string) => parseSafetensors(readFileSync(file), file);

const printed = capturePrinted();

describe('help', () => {
  it('names all commands', async () => {
    for (const args of [['--help'], ['-h'], ['help']]) expect(await runCommand(args)).toBe(0);
    expect(await runCommand([])).toBe(2);
    for (const text of printed) expect(text).toMatch(/sample +draws pictures\n( .*\n)* +forward +runs a model once/);
  });

  it.each(Object.keys(commands))('of %s names every option, and fits into 120 columns', async (name) => {
    expect(await runCommand([name, '--help'])).toBe(0);
    expect(printed[0]).toMatch(new RegExp(`^pag ${name}\\b`));
    expect(Math.max(...printed[0].split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('is given for every guidance', async () => {
    expect(await runCommand(['guidances'])).toBe(0);
    const names = printed[0]
      .split('\n')
      .filter((line) => !line.startsWith(' '))
      .map((line) => line.split(' ')[0]);
    expect(names).toContain('cfg+pag');
    for (const name of names) expect(await runCommand(['guidances', name])).toBe(0);
  });
});

describe('every command', () => {
  it.each(Object.keys(commands))(
    '%s refuses an option that it does not have, and an argument too many',
    async (name) => {
      expect(await refusal(name, '--xyzzy')).toBe('unknown option --xyzzy');
      expect(await refusal(name, 'a', 'b', 'c')).toMatch(/^"[abc]" is one argument too many$/);
    },
  );

  it.each([
    [['bench', '--threads', '0'], '--threads is 0; expected a whole number from 1 to 256'],
    [['bench', '--kernels', 'reference'], '--kernels is "reference"; expected simd, simd-wide, simd-fma'],
    [['bench', '--model', join(tiny, 'config.json')], 'config.json is not a folder'],
    [['walkthrough', '--port', '70000'], '--port is 70000; expected a whole number from 0 to 65535'],
    [['export', 'unets/tiny'], 'DIR is missing'],
    [['export', 'unets/tiny', join(tiny, 'config.json')], 'a file of this name is there already'],
    [['check', 'unets/tiny', tiny], `cannot read ${tiny}: it is a folder`],
    [['guidances', 'xyzzy'], 'there is no guidance "xyzzy"'],
    [['schedulers', 'xyzzy'], 'there is no scheduler "xyzzy"'],
    [['sampel'], 'unknown command "sampel"; did you mean "sample"?'],
  ])('%j is refused', async (args, message) => {
    expect(await refusal(...args)).toContain(message);
  });
});

describe('pag sample', () => {
  const sample = (...args: string[]) => ['sample', '--model', tiny, '--steps', '2', '--count', '1', ...args];
  const steps = (steps: string) => ['sample', '--model', tiny, '--out', out, '--steps', steps];
  const count = (count: string) => ['sample', '--model', tiny, '--out', out, '--count', count];

  it('writes the pictures and all latents, and begins with the noise of torch', async () => {
    expect(
      await runCommand([
        'sample',
        '--model',
        tiny,
        '--steps',
        '3',
        '--count',
        '2',
        '--seed',
        '7',
        '--out',
        out,
        '--latents',
        latents,
      ]),
    ).toBe(0);
    expect(printed[0]).toContain(`2 samples of [3, 8, 8], none, DDIM, 3 steps, f32 on simd, in`);
    const file = read(latents);
    expect([...file.entries.keys()]).toEqual(['noise', 'step.0', 'step.1', 'step.2', 'sample']);
    expect(readTensor(file, 'noise')).toEqual(manualSeed(7).randn([2, 3, 8, 8]));
    expect(readTensor(file, 'sample')).toEqual(readTensor(file, 'step.2'));
    expect([...readFileSync(out).subarray(1, 4)]).toEqual([...'PNG'].map((c) => c.charCodeAt(0)));
  });

  it('goes on from the noise of a file, one by one as all at once, on any kernels', async () => {
    const noise = manualSeed(1).randn([2, 3, 8, 8]);
    const run = async (start: Tensor, ...more: string[]): Promise<Tensor> => {
      expect(
        await runCommand([
          'sample',
          '--model',
          tiny,
          '--steps',
          '3',
          '--guidance',
          'pag',
          '--noise',
          save('noise.safetensors', { noise: start }),
          '--latents',
          latents,
          ...more,
        ]),
      ).toBe(0);
      return readTensor(read(latents), 'sample');
    };
    const both = await run(noise);
    for (const more of [
      ['--kernels', 'reference'],
      ['--kernels', 'simd', '--threads', '1'],
      ['--threads', '2'],
      ['--pag-layers', 'mid_block.attentions.0', ...smallKernels],
    ])
      expect(await run(noise, ...more)).toEqual(both);
    for (const i of [0, 1]) {
      const one = await run(tensor('f32', [1, 3, 8, 8], noise.data.slice(192 * i, 192 * (i + 1))), ...smallKernels);
      expect(one.data).toEqual(both.data.slice(192 * i, 192 * (i + 1)));
    }
    // Where the engine joins no vectors, they are refused.
    const wide = await run(noise, '--kernels', 'simd-wide').catch((problem: unknown) => String(problem));
    if (typeof wide === 'string')
      expect(wide).toMatch(
        /^InputError: --kernels simd-wide: this engine does not join vectors .*; use --kernels simd$/,
      );
    else expect(wide).toEqual(both);
    expect(await run(noise, '--pag-layers', 'mid,up', ...smallKernels)).not.toEqual(both);
    expect(await run(noise, '--dtype', 'f64')).not.toEqual(both);
  });

  it('draws in the order that it is told, on any kernels', async () => {
    // Of enough channels, and at 8 × 8 large enough, that the fast order is another one.
    const model = fixture('goldens/unets/skips');
    const noise = save('order.safetensors', { noise: manualSeed(1).randn([1, 3, 8, 8]) });
    const scheduler = save('late.json', '{"_class_name": "DDIMScheduler", "timestep_spacing": "trailing"}');
    const args = ['--model', model, '--noise', noise, '--scheduler-config', scheduler, '--steps', '1'];
    const run = async (...more: string[]): Promise<Tensor> => {
      expect(await runCommand(['sample', ...args, '--latents', latents, ...more])).toBe(0);
      return readTensor(read(latents), 'sample');
    };
    const fast = await run('--order', 'fast');
    expect(await run('--order', 'fast', '--kernels', 'reference')).toEqual(fast);
    expect(await run('--order', 'fast', '--kernels', 'simd', '--threads', '2')).toEqual(fast);
    const direct = await run();
    expect(direct).not.toEqual(fast);
    expect(await run('--order', 'direct')).toEqual(direct);
  });

  it.each<[string, string[], string]>([
    ['an order that is none', sample('--order', 'quick', '--out', out), '--order is "quick"; expected direct, fast'],
    [
      'the fast order of 16 bits',
      sample('--order', 'fast', '--dtype', 'bf16', '--out', out),
      '--order fast is for f32 and f64; bf16 has the direct order alone: leave --order out',
    ],
    ['no file to write', sample(), 'give at least one of --out, --animation and --latents'],
    ['one file for both', sample('--out', out, '--latents', out), '--out and --latents name the same file'],
    [
      'a folder that is not there',
      sample('--out', path('absent/x.png')),
      `cannot write ${path('absent/x.png')}: there is no folder ${path('absent')}`,
    ],
    ['no labels for the model that ships', ['sample', '--out', out], 'give --labels (0 to 26)'],
    [
      'a model that is not there',
      ['sample', '--out', out, '--model', path('absent')],
      `cannot read ${path('absent')}: there is no such file or folder`,
    ],
    [
      'labels for a model without',
      sample('--out', out, '--labels', '1'),
      'the model is not class-conditional; leave out --labels and --null-label',
    ],
    [
      'no labels',
      ['sample', '--model', letters, '--out', out],
      'the model is class-conditional; give --labels (0 to 26), or --null-label to draw without a class',
    ],
    [
      'a label out of range',
      ['sample', '--model', letters, '--out', out, '--labels', '3,27'],
      "class label 27 is outside the model's table: whole numbers from 0 to 26",
    ],
    [
      'a negative label',
      ['sample', '--model', letters, '--out', out, '--labels', '-1'],
      '--labels has "-1"; expected whole numbers or ranges as 0-25, between commas',
    ],
    [
      'an empty label',
      ['sample', '--model', letters, '--out', out, '--labels', '1,,2'],
      '--labels has ""; expected whole numbers or ranges as 0-25, between commas',
    ],
    [
      'more labels than samples',
      ['sample', '--model', letters, '--out', out, '--labels', '1,2,3', '--count', '2'],
      '--labels has 3 labels, but 2 samples are drawn; give at most one label for each',
    ],
    [
      'two labels for one sample',
      ['sample', '--model', letters, '--out', out, '--labels', '1,2', '--count', '1'],
      '--labels has 2 labels, but 1 sample is drawn',
    ],
    [
      'a null label out of range, also where nothing asks for it',
      ['sample', '--model', letters, '--out', out, '--labels', '3', '--null-label', '27'],
      "class label 27 is outside the model's table: whole numbers from 0 to 26",
    ],
    ['no steps', steps('0'), '--steps is 0; expected a whole number from 1 on'],
    [
      'too many steps',
      steps('1001'),
      '1001 steps are asked for; expected a whole number from 1 to the 1000 timesteps of the training',
    ],
    ['half a step', steps('2.5'), '--steps is 2.5; expected a whole number from 1 on'],
    ['no samples', count('0'), '--count is 0; expected a whole number from 1 to 100000'],
    ['a million samples', count('1e6'), '--count is 1e6; expected a whole number from 1 to 100000'],
    ['half a sample', count('1.5'), '--count is 1.5; expected a whole number from 1 to 100000'],
    [
      'half a seed',
      sample('--out', out, '--seed', '0.5'),
      '--seed is "0.5"; expected a whole number from −2^63 to 2^64 − 1',
    ],
    [
      'a seed of 65 bits',
      sample('--out', out, '--seed', '18446744073709551616'),
      '--seed is "18446744073709551616"; expected a whole number from −2^63 to 2^64 − 1',
    ],
    [
      'seeds that are none',
      sample('--out', out, '--seeds', '1,x'),
      '--seeds has "x"; expected a whole number from −2^63 to 2^64 − 1',
    ],
    [
      'seeds and a count',
      sample('--out', out, '--seeds', '1,2', '--seed', '2'),
      '--seeds excludes --seed and --count: there are as many pictures as seeds',
    ],
    [
      'noise in no precision',
      sample('--out', out, '--noise-dtype', 'f8'),
      '--noise-dtype is "f8"; expected f32, f64, f16, bf16',
    ],
    ['a negative eta', sample('--out', out, '--eta', '-1'), '--eta is -1; expected at least 0'],
    [
      'an unknown guidance',
      sample('--out', out, '--guidance', 'pga'),
      '--guidance is "pga"; expected none, pag, cfg+pag',
    ],
    [
      'an option of another guidance',
      sample('--out', out, '--guidance', 'cfg', '--pag-scale', '1'),
      '--pag-scale has no effect with --guidance cfg',
    ],
    [
      'a scale without guidance',
      sample('--out', out, '--pag-scale', '1'),
      '--pag-scale has no effect with --guidance none',
    ],
    ['a scale that is no number', sample('--out', out, '--guidance', 'pag', '--pag-scale', 'x'), '--pag-scale is "x"'],
    [
      'a selector without a match',
      sample('--out', out, '--guidance', 'pag', '--pag-layers', 'mid_bloc'),
      `"mid_bloc" selects no self-attention layer; the model has ${tinyLayers.join(', ')}`,
    ],
    [
      'a selector that is no expression',
      sample('--out', out, '--guidance', 'pag', '--pag-layers', 're:['),
      '"re:[" is no regular expression',
    ],
    [
      'a selector that would never be done',
      sample('--out', out, '--guidance', 'pag', '--pag-layers', 're:^(([a-z_0-9.]+)+)+X$'),
      '"re:^(([a-z_0-9.]+)+)+X$" is not done with the model\'s layers after a second',
    ],
    [
      'guidance without a null class',
      ['sample', '--model', letters, '--out', out, '--labels', '1', '--guidance', 'cfg'],
      '--null-label',
    ],
    ['an unknown scheduler', sample('--out', out, '--scheduler', 'ddmi'), '--scheduler is "ddmi"; expected'],
    [
      'two schedulers',
      sample('--out', out, '--scheduler', 'ddim', '--scheduler-config', 'x.json'),
      '--scheduler and --scheduler-config exclude one another',
    ],
    [
      'a scheduler of no class',
      sample('--out', out, '--scheduler-config', save('no-class.json', '{}')),
      'the scheduler without a _class_name is not known; known are',
    ],
    [
      'a scheduler with a wrong value',
      sample(
        '--out',
        out,
        '--scheduler-config',
        save('value.json', '{"_class_name":"DDIMScheduler","beta_start":"x"}'),
      ),
      'beta_start is "x"; supported is a finite number',
    ],
    [
      'a scheduler that is no JSON',
      sample('--out', out, '--scheduler-config', save('no.json', 'x')),
      'no.json is not JSON',
    ],
    [
      'an unknown precision',
      sample('--out', out, '--dtype', 'fp16'),
      '--dtype is "fp16"; expected f32, f64, f16, bf16; did you mean "f16"?',
    ],
    ['no threads', sample('--out', out, '--threads', '0'), '--threads is 0; expected a whole number from 1 to 256'],
    ['threads below 0', sample('--out', out, '--threads', '-1'), '--threads is -1; expected a whole number from 1'],
    [
      'a file in place of the model',
      ['sample', '--model', join(tiny, 'config.json'), '--out', out],
      'config.json is not a folder',
    ],
    ['a folder in place of the pictures', sample('--out', tiny), `cannot write ${tiny}: it is a folder`],
    ['a folder in place of a file', sample('--out', out, '--scheduler-config', tiny), 'it is a folder'],
    [
      'noise and a count',
      sample('--out', out, '--noise', save('n.safetensors', { noise: zeros('f32', [1, 3, 8, 8]) })),
      '--count and --noise exclude one another',
    ],
  ])('refuses %s', async (_name, args, message) => {
    expect(await refusal(...args)).toContain(message);
    expect(existsSync(path('absent'))).toBe(false);
  });

  const noisy = (noise: Tensor): string[] => [
    'sample',
    '--model',
    tiny,
    '--steps',
    '2',
    '--latents',
    latents,
    '--noise',
    save('bad-noise.safetensors', { noise }),
  ];
  it.each<[string, Tensor, string]>([
    [
      'of another channel count',
      zeros('f32', [1, 1, 8, 8]),
      'the sample has shape [1, 1, 8, 8], but the model takes [B, 3, H, W]',
    ],
    [
      'of three dimensions',
      zeros('f32', [3, 8, 8]),
      'bad-noise.safetensors: "noise" has shape [3, 8, 8], expected [N,C,H,W]',
    ],
    [
      'of an odd size',
      zeros('f32', [1, 3, 8, 7]),
      'the sample is 8 × 7, but height and width must be multiples of 2 for this model',
    ],
    ['of no samples', zeros('f32', [0, 3, 8, 8]), '"noise" has shape [0, 3, 8, 8], which is empty'],
    [
      'with NaN',
      tensor('f32', [1, 3, 8, 8], new Float32Array(192).fill(NaN, 5, 6)),
      '"noise" holds NaN (element 5 of 192); expected finite numbers',
    ],
    [
      'with infinity',
      tensor('f64', [1, 3, 8, 8], new Float64Array(192).fill(-Infinity, 191)),
      '"noise" holds -Infinity (element 191 of 192)',
    ],
  ])('refuses noise %s', async (_name, noise, message) => {
    expect(await refusal(...noisy(noise))).toContain(message);
  });

  it('stops at numbers that are no longer finite, and writes nothing', async () => {
    const args = [
      'sample',
      '--model',
      tiny,
      '--guidance',
      'pag',
      '--pag-scale',
      '1e300',
      '--steps',
      '5',
      '--out',
      path('infinite.png'),
    ];
    expect(await refusal(...args)).toMatch(
      /^step \d \(timestep \d+\) gave numbers that are not finite; a smaller scale or a wider --dtype may help$/,
    );
    expect(existsSync(path('infinite.png'))).toBe(false);
  });
});

describe('a broken model', () => {
  /** The tiny model with some of its weights or its config changed. */
  async function broken(
    name: string,
    change: { weights?: (weights: Map<string, Tensor>) => void; config?: Record<string, unknown> },
  ): Promise<string[]> {
    const { weights } = await loadModelFolder(await folderReader(tiny), tiny);
    const config = JSON.parse(readFileSync(join(tiny, 'config.json'), 'utf8')) as Record<string, unknown>;
    const changed = new Map(weights);
    change.weights?.(changed);
    mkdirSync(path(name));
    writeFileSync(path(`${name}/config.json`), JSON.stringify({ ...config, ...change.config }));
    writeFileSync(path(`${name}/diffusion_pytorch_model.safetensors`), writeSafetensors(Object.fromEntries(changed)));
    return ['sample', '--model', path(name), '--steps', '2', '--latents', path('broken.safetensors')];
  }

  it.each<[string, Parameters<typeof broken>[1], string]>([
    [
      'a weight is missing',
      { weights: (weights) => weights.delete('conv_in.bias') },
      '"conv_in.bias" [4] is missing; the config asks for it',
    ],
    [
      'a weight has another shape',
      { weights: (weights) => weights.set('conv_in.bias', zeros('f32', [5])) },
      '"conv_in.bias" has shape [5], but the config asks for [4]',
    ],
    [
      'a weight is NaN',
      { weights: (weights) => weights.set('conv_in.bias', tensor('f32', [4], Float32Array.of(0, NaN, 0, 0))) },
      '"conv_in.bias" holds NaN',
    ],
    [
      'an unsupported block',
      { config: { down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D'] } },
      'down_block_types names "CrossAttnDownBlock2D"; supported are DownBlock2D, AttnDownBlock2D',
    ],
    ['giant channels', { config: { block_out_channels: [4, 2 ** 40] } }, 'block_out_channels is'],
    [
      'an open size',
      { config: { sample_size: null } },
      'the model has no sample_size; give the noise with --noise FILE.safetensors',
    ],
    ['a size beyond all memory', { config: { sample_size: 65536 } }, 'there is not enough memory'],
    [
      'five channels of three',
      {
        config: { out_channels: 5 },
        weights: (weights) => {
          weights.set('conv_out.weight', zeros('f32', [5, 4, 3, 3])).set('conv_out.bias', zeros('f32', [5]));
        },
      },
      'the model makes 5 channels of 3; to draw with it they must be as many, or twice as many with the variance',
    ],
    [
      'two channels, to be drawn',
      {
        config: { in_channels: 2, out_channels: 2 },
        weights: (weights) => {
          weights
            .set('conv_in.weight', zeros('f32', [4, 2, 3, 3]))
            .set('conv_out.weight', zeros('f32', [2, 4, 3, 3]))
            .set('conv_out.bias', zeros('f32', [2]));
        },
      },
      '',
    ],
  ])('is refused when %s', async (name, change, message) => {
    const args = await broken(name, change);
    if (message === '')
      expect(await refusal(...args, '--out', out)).toBe(
        'samples of 2 channels cannot be drawn; leave out --out and --preview, and give --latents FILE.safetensors',
      );
    else expect(await refusal(...args)).toContain(message);
  });
});

describe('pag forward', () => {
  const forward = (input: string, ...args: string[]) => [
    'forward',
    '--model',
    tiny,
    '--input',
    input,
    '--out',
    path('forward.safetensors'),
    ...args,
  ];
  const picture = manualSeed(3).randn([2, 3, 8, 8]);
  const good = save('input.safetensors', { sample: picture, timestep: { shape: [1], integers: [500] } });

  it('writes the prediction, the perturbed one, and the taps of both', async () => {
    expect(await runCommand(forward(good))).toBe(0);
    const plain = readTensors(read(path('forward.safetensors')));
    expect([...plain.keys()]).toEqual(['sample']);

    expect(await runCommand(forward(good, '--perturb', 'mid', '--taps', 'mid_block*,conv_in'))).toBe(0);
    const tapped = readTensors(read(path('forward.safetensors')));
    expect(tapped.get('sample')).toEqual(plain.get('sample'));
    expect(tapped.get('perturbed')).not.toEqual(plain.get('sample'));
    expect(tapped.get('tap.conv_in')!.shape).toEqual([2, 4, 8, 8]);
    expect(tapped.get('tap.mid_block.attentions.0.map')!.shape).toEqual([2, 1, 16, 16]);
    expect(tapped.get('perturbed.tap.mid_block.attentions.0')).not.toEqual(tapped.get('tap.mid_block.attentions.0'));
    expect(tapped.has('perturbed.tap.conv_in')).toBe(false);
  });

  it.each(['f32', 'f64', 'bf16'])('gives the bits of the plain loops on the definitions, in %s', async (dtype) => {
    const outputs: ReadonlyMap<string, Tensor>[] = [];
    for (const kernels of ['definition', 'reference']) {
      expect(
        await runCommand(forward(good, '--dtype', dtype, '--kernels', kernels, '--perturb', 'mid', '--taps', '*')),
      ).toBe(0);
      outputs.push(readTensors(read(path('forward.safetensors'))));
    }
    const [ours, expected] = outputs;
    expect(ours.size).toBeGreaterThan(60);
    expect([...ours.keys()]).toEqual([...expected.keys()]);
    for (const [name, tensor] of expected) expectSameBits(ours.get(name)!, tensor);
  });

  it('takes one timestep or one for each sample, of any dtype', async () => {
    const results: Tensor[] = [];
    for (const timestep of [
      { shape: [], integers: [500] },
      { shape: [2], integers: [500, 500] },
      tensor('f64', [1], Float64Array.of(500)),
      tensor('f16', [], Float32Array.of(500)),
    ]) {
      expect(await runCommand(forward(save('t.safetensors', { sample: picture, timestep })))).toBe(0);
      results.push(readTensor(read(path('forward.safetensors')), 'sample'));
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it.each<[string, string[], string]>([
    [
      'an input that is no safetensors file',
      forward(save('x.txt', 'not a tensor in sight')),
      'x.txt: the header is said to have',
    ],
    [
      'an input without a sample',
      forward(save('empty.safetensors', {})),
      'empty.safetensors: there is no tensor "sample"; the file has none',
    ],
    [
      'an input without a timestep',
      forward(save('s.safetensors', { sample: picture })),
      's.safetensors: there is no tensor "timestep"; the file has sample',
    ],
    [
      'a sample of integers',
      forward(save('i.safetensors', { sample: { shape: [1, 1, 1, 1], integers: [1] } })),
      '"sample" holds I64; expected floating-point numbers',
    ],
    [
      'three timesteps for two samples',
      forward(save('t3.safetensors', { sample: picture, timestep: { shape: [3], integers: [1, 2, 3] } })),
      '"timestep" has shape [3], but the batch is 2',
    ],
    [
      'no timesteps',
      forward(save('t0.safetensors', { sample: picture, timestep: { shape: [0], integers: [] } })),
      'there are 0 timesteps for a batch of 2',
    ],
    [
      'a timestep that is NaN',
      forward(save('nan.safetensors', { sample: picture, timestep: tensor('f32', [1], Float32Array.of(NaN)) })),
      'a timestep is NaN; it must be a finite number',
    ],
    [
      'labels for a model without',
      forward(
        save('l.safetensors', {
          sample: picture,
          timestep: { shape: [1], integers: [1] },
          class_labels: { shape: [1], integers: [1] },
        }),
      ),
      'class labels are given, but the model is not class-conditional',
    ],
    [
      'a sample with NaN',
      forward(
        save('ns.safetensors', {
          sample: tensor('f32', [1, 3, 8, 8], new Float32Array(192).fill(NaN)),
          timestep: { shape: [1], integers: [1] },
        }),
      ),
      '"sample" holds NaN (element 0 of 192)',
    ],
    [
      'taps that match nothing',
      forward(good, '--taps', 'nothing.*'),
      'the tap "nothing.*" names no module of the model; the tap "*" shows all',
    ],
    [
      'a selector without a match',
      forward(good, '--perturb', 'blocks.1'),
      '"blocks.1" selects no self-attention layer',
    ],
    ['no output', ['forward', '--model', tiny, '--input', good], '--out is missing'],
    [
      'an output in a folder that is not there',
      ['forward', '--model', tiny, '--input', good, '--out', path('absent/x')],
      'there is no folder',
    ],
  ])('refuses %s', async (_name, args, message) => {
    expect(await refusal(...args)).toContain(message);
  });

  it('refuses a label for a model with classes that has none, or a wrong one', async () => {
    const sample = zeros('f32', [1, 1, 32, 32]);
    const timestep = { shape: [1], integers: [1] };
    const run = (file: string): Promise<string> =>
      refusal('forward', '--model', letters, '--input', file, '--out', path('x.safetensors'));
    expect(await run(save('c0.safetensors', { sample, timestep }))).toBe(
      'the model is class-conditional, but no class labels are given',
    );
    expect(
      await run(save('c1.safetensors', { sample, timestep, class_labels: { shape: [1], integers: [-1] } })),
    ).toContain('class label -1 is outside the model');
    expect(
      await run(save('c2.safetensors', { sample, timestep, class_labels: { shape: [2], integers: [1, 2] } })),
    ).toContain('"class_labels" has shape [2], but the batch is 1');
  });
});

describe('an error', () => {
  it('of input is status 2 and its line', () => {
    expect(explain(new InputError('what\nwhere'))).toEqual({ status: 2, message: 'what\\u000awhere' });
  });

  it.each([
    () => new Float32Array(2 ** 45),
    () => Array.from({ length: 2 ** 45 }),
    () => new ArrayBuffer(2 ** 52),
    () => new WebAssembly.Memory({ initial: 1, maximum: 2 }).grow(9),
  ])('for want of memory is status 2: %s', (greedy) => {
    let thrown: unknown;
    try {
      greedy();
    } catch (error) {
      thrown = error;
    }
    expect(explain(thrown)).toEqual({
      status: 2,
      message: expect.stringMatching(/^there is not enough memory \(.*\); ask for fewer or smaller samples at a time$/),
    });
  });

  it('of pag itself says so', () => {
    expect(explain(new TypeError('x'))).toMatchObject({
      status: 70,
      message: expect.stringContaining('an error of pag itself, please report it: TypeError: x'),
    });
    expect(explain('x')).toMatchObject({ status: 70 });
  });
});
