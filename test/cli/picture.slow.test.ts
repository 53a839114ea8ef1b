/** `pag sample` from a picture: variations, repainting, inversion. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { toByte } from '../../src/formats/grid.ts';
import { pictureTensor } from '../../src/formats/picture-tensor.ts';
import type { Picture } from '../../src/formats/picture.ts';
import { encodePng } from '../../src/formats/png.ts';
import { resized } from '../../src/formats/resize.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { capturePrinted, refusal } from './console.ts';
import { letters, smallKernels, temporaryFolder, tiny } from './models.ts';
import { thorough } from '../thorough.ts';

const { path } = temporaryFolder();
const latents = path('latents.safetensors');
const printed = capturePrinted();

function pictureOf(width: number, height: number, channels: 1 | 3, seed: number): Picture {
  const { data } = manualSeed(seed).randn([width * height * channels]);
  return {
    width,
    height,
    channels,
    pixels: Uint8Array.from(data, (value) => Math.min(235, Math.max(20, 128 + 60 * value))),
  };
}
function file(name: string, picture: Picture): string {
  writeFileSync(path(name), encodePng(picture));
  return path(name);
}
const small = pictureOf(8, 8, 3, 1);
const init = file('init.png', small);
const large = pictureOf(20, 13, 3, 2);
const largeFile = file('large.png', large);
/** The left half is white: repainted. */
const mask = file('mask.png', {
  width: 8,
  height: 8,
  channels: 1,
  pixels: Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 255 : 127)),
});

/** The sum of the squares of the differences. */
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
const sample = (...more: string[]): string[] => [
  'sample',
  '--model',
  tiny,
  '--latents',
  latents,
  ...smallKernels,
  ...more,
];
async function drawn(...more: string[]): Promise<(name: string) => Tensor> {
  expect(await runCommand(sample(...more))).toBe(0);
  const opened = parseSafetensors(readFileSync(latents), 'latents');
  return (name) => readTensor(opened, name);
}

describe('pag sample --init', () => {
  it('begins with the noised picture and runs the last steps, for as many variations as are asked for', async () => {
    const read = await drawn('--init', init, '--strength', '0.6', '--steps', '10', '--count', '2', '--seed', '3');
    expect(printed[0]).toContain('2 samples of [3, 8, 8], none, DDIM, the last 6 of 10 steps, f32');
    const noise = manualSeed(3).randn([2, 3, 8, 8]);
    expect(read('noise')).toEqual(noise);
    const one = pictureTensor(small, 3, 'f32');
    const both = { ...noise, data: Float32Array.from([...one.data, ...one.data]) };
    const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 10, { begin: 4 });
    expect(read('start')).toEqual(scheduler.addNoise(both, noise, 0));
    expect(() => read('step.5')).not.toThrow();
    expect(() => read('step.6')).toThrow();
    expect(read('sample').data.slice(0, 192)).not.toEqual(read('sample').data.slice(192));
  });

  it.each([
    ['--guidance', 'pag'],
    ['--guidance', 'sag'],
    ['--scheduler', 'heun'],
    ['--scheduler', 'dpm', '--dtype', 'f64'],
    ['--scheduler', 'euler-ancestral', '--seeds', '4,5'],
  ])('goes with %s %s, strength 0.8 unless given', async (...more) => {
    const read = await drawn('--init', init, '--steps', '5', ...more);
    expect(read('sample').data.every(Number.isFinite)).toBe(true);
    expect(printed[0]).toContain('the last 4 of 5 steps');
  });

  it('draws with lcm and tcd as many steps as are asked for, all within the strength', async () => {
    for (const [name, className] of [
      ['lcm', 'LCMScheduler'],
      ['tcd', 'TCDScheduler'],
    ]) {
      const more = ['--init', init, '--scheduler', name, '--strength', '0.5', '--count', '1'];
      const read = await drawn(...more, '--steps', '4');
      expect(printed.at(-1)).toContain(', 4 steps, f32');
      const scheduler = createScheduler({ _class_name: className }, 4, { strength: 0.5 });
      expect(scheduler.timesteps).toEqual([499, 379, 259, 139]);
      expect(read('start')).toEqual(scheduler.addNoise(pictureTensor(small, 3, 'f32'), read('noise'), 0));
      expect(await refusal(...sample(...more, '--steps', '26'))).toContain(
        'expected from 1 to original_inference_steps = 50, of which a strength of 0.5 leaves 25; take fewer steps',
      );
      const own = await drawn(...more, '--timesteps', '999,700,400,100');
      expect(own('step.1')).toEqual(own('sample'));
      expect(printed.at(-1)).toContain('the last 2 of 4 steps');
    }
  });

  it('keeps the nearer to the picture the less of it is redrawn', async () => {
    const original = pictureTensor(small, 3, 'f32');
    const distances: number[] = [];
    for (const strength of ['0.05', '1']) {
      const read = await drawn('--init', init, '--strength', strength, '--steps', '20', '--count', '1');
      distances.push(distance(read('sample').data, original.data));
    }
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
  });

  it('brings a picture to the size of the model', async () => {
    const read = await drawn('--init', largeFile, '--resize', '--strength', '1', '--steps', '2', '--count', '1');
    const picture = pictureTensor(resized(large, 8, 8), 3, 'f32');
    const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 2);
    expect(read('start')).toEqual(scheduler.addNoise(picture, read('noise'), 0));
  });
});

describe('pag sample --inpaint', () => {
  it.each([[], ['--scheduler', 'heun'], ['--inpaint-method', 'repaint', '--jump-length', '2', '--jump-n-sample', '2']])(
    'keeps what is not white, and draws the rest (%j)',
    async (...more) => {
      const read = await drawn(
        '--init',
        init,
        '--inpaint',
        mask,
        '--steps',
        '5',
        '--count',
        '2',
        '--guidance',
        'pag',
        ...more,
      );
      const original = pictureTensor(small, 3, 'f32').data;
      read('sample').data.forEach((value, i) => {
        expect(value === original[i % 192], `${i}`).toBe(i % 8 >= 4);
      });
      // With all steps it begins with the noise alone.
      expect(() => read('start')).toThrow();
    },
  );

  it('of RePaint says how many calls its jumps make', async () => {
    await drawn('--init', init, '--inpaint', mask, '--inpaint-method', 'repaint', '--steps', '20', '--count', '1');
    expect(printed[0]).toContain('DDIM, 20 steps of 110 calls');
    const read = await drawn('--init', init, '--inpaint', mask, '--strength', '0.5', '--steps', '4', '--count', '1');
    expect(printed[1]).toContain('the last 2 of 4 steps');
    expect(read('start').shape).toEqual([1, 3, 8, 8]);
  });
});

describe('pag sample --invert', () => {
  // Two runs of the letters model there and back; test/schedulers/laws.slow.test.ts asks it of the schedulers.
  it.runIf(thorough)('finds noise that DDIM draws the picture from', async () => {
    const [noise, picture] = [path('noise.safetensors'), path('letter.png')];
    const draw = async (...more: string[]): Promise<Tensor> => {
      const command = ['sample', '--model', letters, '--labels', '3', '--latents', latents];
      expect(await runCommand([...command, ...more])).toBe(0);
      return readTensor(parseSafetensors(readFileSync(latents), 'latents'), 'sample');
    };
    const letter = await draw('--steps', '10', '--seed', '2');
    const pixels = Uint8Array.from(letter.data, toByte);
    writeFileSync(picture, encodePng({ width: 32, height: 32, channels: 1, pixels }));
    const seen = pictureTensor({ width: 32, height: 32, channels: 1, pixels }, 1, 'f32').data;

    const invert = ['sample', '--model', letters, '--labels', '3', '--invert', picture, '--out-noise', noise];
    expect(await runCommand([...invert, '--steps', '20'])).toBe(0);
    expect(printed[1]).toContain(`${noise} --steps 20 leads back`);
    const back = await draw('--noise', noise, '--steps', '20');
    // Another noise leads to another letter of the kind.
    const other = await draw('--seed', '3', '--steps', '10', '--count', '1');
    expect(distance(back.data, seen)).toBeLessThan(0.05 * distance(other.data, seen));
  });

  it("takes over how the model's own DDIM spaces its timesteps", async () => {
    const noise = path('noise.safetensors');
    const found: Tensor[] = [];
    for (const spacing of ['leading', 'trailing']) {
      const model = path(spacing);
      cpSync(tiny, model, { recursive: true });
      const scheduler = JSON.stringify({ _class_name: 'DDIMScheduler', timestep_spacing: spacing });
      writeFileSync(join(model, 'scheduler_config.json'), scheduler);
      const invert = ['--model', model, '--invert', init, '--out-noise', noise, '--steps', '2'];
      expect(await runCommand(['sample', ...invert, ...smallKernels])).toBe(0);
      found.push(readTensor(parseSafetensors(readFileSync(noise), 'noise'), 'noise'));
    }
    expect(found[0]).not.toEqual(found[1]);
  });

  it('brings the picture to the size of the model, and says which scheduler leads back', async () => {
    const noise = path('noise.safetensors');
    const invert = ['sample', '--model', tiny, '--invert', largeFile, '--out-noise', noise, '--steps', '3'];
    expect(await runCommand([...invert, '--resize'])).toBe(0);
    expect(readTensor(parseSafetensors(readFileSync(noise), 'noise'), 'noise').shape).toEqual([1, 3, 8, 8]);
    expect(printed[0]).toContain(`--noise ${noise} --scheduler ddim --steps 3 leads back`);
  });
});

describe('pag sample refuses', () => {
  it.each<[readonly string[], string]>([
    [['--strength', '0.5'], '--strength has no effect without --init PICTURE.png, the picture to begin with'],
    [['--inpaint', mask], '--inpaint has no effect without --init PICTURE.png'],
    [['--resize'], '--resize has no effect without --init or --invert'],
    [['--out-noise', 'n'], '--out-noise has no effect without --invert PICTURE.png'],
    [['--init', init, '--inpaint-method', 'replace'], '--inpaint-method has no effect without --inpaint MASK.png'],
    [['--init', init, '--inpaint', mask, '--jump-length', '3'], '--jump-length has no effect without --inpaint-method'],
    [['--init', init, '--strength', '0'], '--strength is 0; expected a number above 0, to 1 (all steps)'],
    [['--init', init, '--strength', '1.2'], '--strength is 1.2; expected a number above 0, to 1 (all steps)'],
    [['--init', init, '--strength', 'much'], '--strength is "much"; expected a number'],
    [['--init', init, '--strength', '0.04'], 'a strength of 0.04 leaves none of 20 steps'],
    [['--init', largeFile], 'large.png has 20 × 13 pixels, but the samples have 8 × 8; give --resize'],
    [['--init', init, '--inpaint', largeFile], 'large.png has 20 × 13 pixels, but the samples have 8 × 8'],
    [['--init', latents], 'latents.safetensors: this is no PNG'],
    [
      ['--init', init, '--scheduler', 'ddim-inverse'],
      'DDIMInverseScheduler leads from a picture to noise; give the picture as --invert, not as --init',
    ],
    [
      ['--init', init, '--inpaint', mask, '--inpaint-method', 'repaint', '--scheduler', 'euler'],
      'RePaint goes with DDPMScheduler and DDIMScheduler, but the scheduler is EulerDiscreteScheduler',
    ],
    [['--init', init, '--inpaint', mask, '--inpaint-method', 'blur'], '--inpaint-method is "blur"; expected replace,'],
    [
      ['--invert', init, '--guidance', 'pag', '--out-noise', 'n'],
      'has no effect with --invert, which is DDIM backwards',
    ],
  ])('%j', async (more, message) => {
    expect(await refusal(...sample(...more))).toContain(message);
  });

  it('to invert what is not there, or to nowhere', async () => {
    const invert = (...more: string[]) => refusal('sample', '--model', letters, ...more);
    expect(await invert('--invert', init)).toBe('--out-noise is missing');
    expect(await invert('--invert', init, '--out-noise', path('n'))).toContain('the model is class-conditional');
    expect(await invert('--invert', init, '--labels', '1', '--out-noise', path('n'))).toContain('has 8 × 8 pixels');
    expect(await invert('--invert', init, '--out-noise', path('n'), '--eta', '1')).toContain('--eta has no effect');
  });
});
