/** `pag train`: killed and resumed it ends with the same bits; what it writes, what it reads, what it refuses. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import { encodePng } from '../../src/formats/png.ts';
import { clamp } from '../../src/tensor/arithmetic.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { goldenOf } from '../agreement.ts';
import { fixture, openGoldens } from '../goldens.ts';
import { smallConfig as model } from '../models/unet2d/models.ts';
import { bundleTo } from './bundle.ts';
import { capturePrinted, refusal } from './console.ts';
import { smallKernels, temporaryFolder } from './models.ts';
import { dtypesOfLarge, firstOf, repeated } from '../thorough.ts';

const { path, save } = temporaryFolder();
const printed = capturePrinted();
const bundle = bundleTo(path('pag.mjs'));

const usual = {
  model,
  steps: 10,
  optimiser: { learning_rate: 0.01 },
  schedule: { warmup_steps: 3 },
  ema: { decay: 0.9 },
  batch: { size: 4, label_dropout: 0.2, offset_noise: 0.1 },
  samples: { every: 4, count: 2, steps: 2 },
  checkpoints: { every: 2 },
};
const { randn } = manualSeed(2);
const images = (): Tensor => clamp(randn([10, 1, 8, 8]), -1, 1);
const data = save('data.safetensors', {
  images: images(),
  labels: { shape: [10], integers: [0, 1, 2, 0, 1, 2, 0, 1, 2, 0] },
});
const config = (changed: object = {}): string => save('config.json', JSON.stringify({ ...usual, ...changed }));
const train = (out: string, file: string, ...more: string[]): string[] => [
  ...['train', '--config', file, '--out', path(out)],
  ...(more.includes('--threads') ? [] : ['--threads', '1']),
  ...(more.includes('--replay') || more.includes('--data') ? [] : ['--data', data]),
  ...more,
];
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** What all files of a training hold, by their names. */
const filesOf = (out: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(path(out), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(path(out).length + 1), hashOf(readFileSync(file))] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

interface Ending {
  readonly status: number | string | null;
  readonly stderr: string;
}

/** Runs pag, and sends it a signal after so many milliseconds. */
function ended(args: readonly string[], signal?: NodeJS.Signals, after = 0): Promise<Ending> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bundle, ...args], (error, _stdout, stderr) =>
      resolve({ status: error ? (error.signal ?? error.code ?? null) : 0, stderr }),
    );
    if (signal) setTimeout(() => child.kill(signal), after);
  });
}

describe('a training that is stopped', () => {
  let whole: Readonly<Record<string, string>>;
  let whileItRuns: number;
  beforeAll(async () => {
    const started = performance.now();
    expect(await ended(train('whole', config()))).toMatchObject({ status: 0 });
    whileItRuns = performance.now() - started;
    whole = filesOf('whole');
  }, 120_000);

  it('has written a model, a checkpoint, losses and pictures, and nothing else', () => {
    expect(Object.keys(whole)).toEqual([
      'config.json',
      'diffusion_pytorch_model.safetensors',
      'scheduler_config.json',
      'training/checkpoint.safetensors',
      'training/losses.csv',
      ...['04', '08', '10'].map((step) => `training/samples/step-00000${step}.png`),
    ]);
  });

  const kills = repeated(20, 1);
  it(`ends with the same bits after kill −9, ${kills} ${kills === 1 ? 'time' : 'times'} at any moment`, async () => {
    const { rand } = manualSeed(11);
    const file = config();
    let killed = 0;
    for (let i = 0; i < kills; i++) {
      // Begun anew where it came to its end, so that all moments have their turn.
      const isDone = existsSync(path('killed/training/samples/step-0000010.png'));
      if (isDone) rmSync(path('killed'), { recursive: true });
      const after = whileItRuns * (0.1 + 0.85 * (rand([1]).data[0] ?? 0));
      const { status, stderr } = await ended(train('killed', file, '--resume'), 'SIGKILL', after);
      expect([0, 'SIGKILL'], stderr).toContain(status);
      if (status === 'SIGKILL') killed++;
    }
    // The later ones have less to do, and may be done before they are killed.
    expect(killed).toBeGreaterThan(kills / 6);
    expect(await runCommand(train('killed', file, '--resume'))).toBe(0);
    expect(filesOf('killed')).toEqual(whole);
  }, 240_000);

  it('has its folder alone, until it is killed', async () => {
    const file = config({ steps: 100_000 });
    const locks = (): readonly string[] =>
      existsSync(path('alone/training'))
        ? readdirSync(path('alone/training')).filter((name) => name.startsWith('.lock'))
        : [];
    const begun = async (...more: string[]) => {
      const child = spawn(process.execPath, [bundle, ...train('alone', file, ...more)], { stdio: 'ignore' });
      while (locks().length !== 1 || !locks()[0]?.includes(`~${child.pid}~`))
        await new Promise((resolve) => setTimeout(resolve, 20));
      return child;
    };
    const first = await begun();
    const refused = `alone/training: process ${first.pid} trains in it; wait for it, or give another --out`;
    expect(await refusal(...train('alone', file, '--resume'))).toContain(refused);
    const end = new Promise((resolve) => first.on('exit', resolve));
    first.kill('SIGKILL');
    await end;
    expect(locks()).toHaveLength(1);
    (await begun('--resume')).kill('SIGKILL');
  }, 120_000);

  it('ends with the same bits after Ctrl-C, which writes a checkpoint and ends the process as it should', async () => {
    const file = config();
    // Long enough to have begun; the checkpoint of its own is far away.
    const child = spawn(process.execPath, [bundle, ...train('stopped', file, '--resume')]);
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said += text.toString();
    });
    while (!existsSync(path('stopped/diffusion_pytorch_model.safetensors')))
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    const signal = await new Promise((resolve) => child.on('exit', (code, by) => resolve(by ?? code)));
    // A machine that is quick may have been done before it heard.
    if (signal !== 0) expect([signal, said]).toEqual(['SIGINT', expect.stringMatching(/stopped after step \d+ of 10/)]);
    expect(await runCommand(train('stopped', file, '--resume'))).toBe(0);
    expect(filesOf('stopped')).toEqual(whole);
  }, 120_000);

  it('has the same bits on other kernels and threads', async () => {
    const file = config();
    const variants = [
      ['reference', '--kernels', 'reference'],
      ['threads', '--kernels', 'simd', '--threads', '2'],
      ['recompute', '--recompute'],
    ] as const;
    for (const [out, ...more] of firstOf(variants, 2)) {
      expect(await runCommand(train(out, file, ...more))).toBe(0);
      expect(filesOf(out), out).toEqual(whole);
    }
  }, 240_000);

  it('is not begun again where it has begun, nor gone on with otherwise', async () => {
    const begun = `${path('whole')} holds a training that has begun; --resume goes on with it, or give another --out`;
    expect(await refusal(...train('whole', config()))).toBe(begun);
    const changed: readonly (readonly [object, string])[] = [
      [{ steps: 15 }, 'whose steps is 10, not 15'],
      [{ optimiser: { learning_rate: 0.02 } }, 'whose optimiser.learning_rate is 0.01, not 0.02'],
      [{ model: { ...model, act_fn: 'relu' } }, 'whose model.act_fn is not set, not "relu"'],
      [{ scheduler: { beta_end: 0.03 } }, 'whose scheduler.beta_end is not set, not 0.03'],
      [{ seeds: { batches: 1 } }, 'whose seeds.batches is 0, not 1'],
      [{ samples: { ...usual.samples, count: 3 } }, 'whose samples.count is 2, not 3'],
    ];
    for (const [change, message] of changed)
      expect(await refusal(...train('whole', config(change), '--resume'))).toContain(message);
    const file = config();
    const other = save('other.safetensors', {
      images: images(),
      labels: { shape: [10], integers: Array(10).fill(1) },
    });
    expect(await refusal(...train('whole', file, '--resume', '--data', other))).toContain('whose data.sha256 is');
    expect(await refusal(...train('whole', file, '--resume', '--dtype', 'f64'))).toContain(
      'whose --dtype is "f32", not "f64"',
    );
    expect(filesOf('whole')).toEqual(whole);
  });

  it('says so when its end was reached, and writes again what is missing', async () => {
    cpSync(path('whole'), path('again'), { recursive: true });
    rmSync(path('again/diffusion_pytorch_model.safetensors'));
    expect(await runCommand(train('again', config(), '--resume'))).toBe(0);
    expect(printed.at(-1)).toMatch(/^0 steps to 10 of 10, loss \d/);
    expect(filesOf('again')).toEqual(whole);
  });

  it('is refused with one line when its checkpoint is damaged, or the folder holds another model', async () => {
    cpSync(path('whole'), path('damaged'), { recursive: true });
    truncateSync(path('damaged/training/checkpoint.safetensors'), 5000);
    expect(await refusal(...train('damaged', config(), '--resume'))).toMatch(/^checkpoint.safetensors: /);
    cpSync(path('whole/config.json'), path('model/config.json'), { recursive: true });
    expect(await refusal(...train('model', config(), '--resume'))).toMatch(
      /holds a model \(config.json\), but no training/,
    );
  });

  // As on a full disk: no file may grow beyond what the shell says, and the checkpoint would be larger.
  it('loses nothing where no more can be written', async () => {
    cpSync(path('whole'), path('full'), { recursive: true });
    rmSync(path('full/training/checkpoint.safetensors'));
    for (const file of ['config.json', 'scheduler_config.json']) rmSync(join(path('full'), file));
    await ended(train('full', config(), '--resume'), 'SIGKILL', 900);
    const before = filesOf('full');
    const line = 'ulimit -f 20; "$@" 2>&1; echo "status $?"';
    const said = execFileSync(
      'bash',
      ['-c', line, 'bash', process.execPath, bundle, ...train('full', config(), '--resume')],
      { encoding: 'utf8' },
    );
    expect(said).toMatch(
      /pag: cannot write .*(checkpoint|model)\.safetensors: the file would be too large\nstatus 2\n$/,
    );
    const checkpoint = 'training/checkpoint.safetensors';
    if (checkpoint in before) expect(filesOf('full')[checkpoint]).toBe(before[checkpoint]);
    expect(await runCommand(train('full', config(), '--resume'))).toBe(0);
    expect(filesOf('full')).toEqual(whole);
  }, 120_000);
});

describe('what is trained', () => {
  it('is a model that can be drawn with, and trained further', async () => {
    const file = config({ steps: 2 });
    expect(await runCommand(train('first', file, ...smallKernels))).toBe(0);
    const first = path('first');
    const loaded = await loadModelFolder(await folderReader(first), first);
    expect(loaded.warnings).toEqual([]);
    expect(loaded.schedulerConfig).toEqual({ _class_name: 'DDPMScheduler' });
    const drawn = ['sample', '--model', first, '--labels', '0,1,2', '--count', '3', '--steps', '2'];
    expect(await runCommand([...drawn, '--out', path('drawn.png'), ...smallKernels])).toBe(0);
    const further = config({ steps: 1, schedule: {}, model: 'first' });
    expect(await runCommand(train('second', further, ...smallKernels))).toBe(0);
    const second = await loadModelFolder(await folderReader(path('second')), 'second');
    expect(second.weights.get('conv_in.weight')?.data).not.toEqual(loaded.weights.get('conv_in.weight')?.data);
  });

  it('replays the steps of a file as PyTorch does', async () => {
    const steps = fixture('goldens/training/steps.safetensors');
    const replayed = {
      model: fixture('goldens/runs/conditional'),
      steps: 20,
      optimiser: { learning_rate: 5e-3 },
      ema: { decay: 0 },
      samples: { count: 1, steps: 1 },
    };
    // In double precision it is asked of the library, too (test/training/steps).
    for (const dtype of dtypesOfLarge) {
      const file = save('replay.json', JSON.stringify(replayed));
      expect(await runCommand(train(`replay-${dtype}`, file, '--replay', steps, '--dtype', dtype))).toBe(0);
      const [, ...rows] = readFileSync(path(`replay-${dtype}/training/losses.csv`), 'utf8')
        .trim()
        .split('\n');
      const truth = goldenOf(openGoldens('training/steps.safetensors'), 'epsilon/losses').truth.data;
      expect(rows).toHaveLength(10);
      rows.forEach((row, i) => {
        expect(Math.abs(Number(row.split(',')[1]) / truth[i] - 1)).toBeLessThan(dtype === 'f32' ? 1e-5 : 1e-11);
      });
    }
  });
});

describe('pictures', () => {
  const pixels = (seed: number): Uint8Array => new Uint8Array(64).map((_, i) => (i * seed) % 256);
  const png = (name: string, seed: number, width = 8): void => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), encodePng({ width, height: 64 / width, channels: 1, pixels: pixels(seed) }));
  };
  /** A folder of pictures of these widths. */
  const folderOf = (name: string, widths: Readonly<Record<string, number>>): string => {
    mkdirSync(path(name), { recursive: true });
    for (const [file, width] of Object.entries(widths)) png(`${name}/${file}`, 3, width);
    return path(name);
  };
  const once = { steps: 1, batch: { size: 3 }, samples: { count: 1, steps: 1 } };

  it('are the same from a folder of PNGs and from a file', async () => {
    for (const [i, name] of ['a/1.png', 'a/2.png', 'b/1.png'].entries()) png(`pngs/${name}`, i + 3);
    const images = tensor('f32', [3, 1, 8, 8], Float32Array.from([3, 4, 5].flatMap((seed) => [...pixels(seed)])));
    const scaled = { ...images, data: images.data.map((byte) => Math.fround(2 * Math.fround(byte / 255)) - 1) };
    const file = save('same.safetensors', { images: scaled, labels: { shape: [3], integers: [0, 0, 1] } });
    const { weights: fromFile } = await trained('from-file', file);
    const { weights: fromFolder } = await trained('from-folder', path('pngs'));
    expect(fromFolder).toEqual(fromFile);
  });

  async function trained(out: string, from: string) {
    expect(await runCommand(train(out, config(once), '--data', from, ...smallKernels))).toBe(0);
    return loadModelFolder(await folderReader(path(out)), out);
  }

  const broken = { ...randn([2, 1, 8, 8]), data: new Float32Array(128).fill(NaN, 70, 71) };
  const arrays = (given: { readonly images?: Tensor; readonly labels?: readonly number[] }): string => {
    const { images = randn([2, 1, 8, 8]), labels = [0, 1] } = given;
    return save('arrays.safetensors', { images, labels: tensor('f32', [labels.length], Float32Array.from(labels)) });
  };
  const archive = (change: (bytes: Uint8Array) => Uint8Array): string => {
    writeFileSync(path('archive.npz'), change(readFileSync(fixture('training/letters.npz'))));
    return path('archive.npz');
  };

  it.each<[string, () => string, object, RegExp]>([
    ['nothing', () => path('nowhere'), {}, /cannot read .*nowhere: there is no such file or folder/],
    ['a file of another kind', () => save('x.txt', 'x'), {}, /is no folder of PNGs, and ends neither in .npz nor/],
    ['an empty folder', () => folderOf('empty', {}), {}, /there are no PNG files/],
    ['a text called npz', () => save('x.npz', 'not an archive at all, but long enough'), {}, /this is no zip archive/],
    ['a text called safetensors', () => save('x.safetensors', 'not a tensor'), {}, /x.safetensors: /],
    [
      'no images',
      () => save('y.safetensors', { pictures: randn([2, 1, 8, 8]) }),
      {},
      /no array "images"; it has pictures/,
    ],
    [
      'flat images',
      () => save('f.safetensors', { images: randn([2, 64]) }),
      {},
      /\[2, 64\]; expected \[N,C,H,W\] or \[N,H,W,C\], or \[N,H,W\] with C = 1/,
    ],
    ['no labels', () => save('n.safetensors', { images: randn([2, 1, 8, 8]) }), {}, /the pictures have no labels/],
    [
      'another size',
      () => save('s.safetensors', { images: randn([2, 1, 4, 4]) }),
      {},
      /4 × 4, but the model's sample_size/,
    ],
    ['no picture', () => arrays({ images: randn([0, 1, 8, 8]) }), {}, /there are no pictures; their shape is/],
    ['a pixel that is NaN', () => arrays({ images: broken }), {}, /picture 1 holds NaN; expected finite numbers/],
    ['labels out of range', () => arrays({ labels: [0, 9] }), {}, /picture 1 has the label 9; the model's are/],
    ['labels between', () => arrays({ labels: [0.5, 1] }), {}, /picture 0 has the label 0.5; the model's are whole/],
    ['too few labels', () => arrays({ labels: [1] }), {}, /there are 1 labels for 2 pictures/],
    ['half an archive', () => archive((bytes) => bytes.subarray(0, 999)), {}, /no zip archive, or it is cut off/],
    ['an archive with an error', () => archive((bytes) => bytes.fill(255, 900, 910)), {}, /images.npy (is|cannot be)/],
    ['sizes that differ', () => folderOf('sizes', { 'a.png': 8, 'b.png': 4 }), {}, /b.png is 16 × 4/],
    ['PNGs in and beside folders', () => folderOf('mixed', { 'a.png': 8, 'b/b.png': 8 }), {}, /give one kind/],
    ['floats to resize', () => data, { data: { size: [4, 4] } }, /only bytes are resized/],
  ])('%s is refused', async (_what, from, changed, message) => {
    expect(await refusal(...train('refused', config({ ...once, ...changed }), '--data', from()))).toMatch(message);
    expect(existsSync(path('refused'))).toBe(false);
  });

  it.each<[string, object, string[], RegExp]>([
    ['a config that is none', { batch: { size: 0 } }, [], /batch.size is 0; expected a whole number from 1/],
    ['a model that is none', { model: 'nowhere' }, [], /nowhere/],
    ['dropout', { model: { ...model, dropout: 0.1 } }, [], /dropout is 0.1; supported in training is 0/],
    ['a flow', { scheduler: { _class_name: 'FlowMatchEulerDiscreteScheduler' } }, [], /is for another kind of models/],
    ['16 bits', {}, ['--dtype', 'bf16'], /--dtype is bf16; a training is in f32 or f64/],
    ['two sources', {}, ['--replay', data, '--data', data], /--data and --replay exclude one another/],
    ['a replay of nothing', {}, ['--replay', data], /there is no tensor "sample"/],
  ])('%s is refused', async (_what, changed, more, message) => {
    expect(await refusal(...train('refused', config(changed), ...more))).toMatch(message);
    expect(existsSync(path('refused'))).toBe(false);
  });
});
