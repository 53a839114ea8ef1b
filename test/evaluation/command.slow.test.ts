/** `pag evaluate`: that work can be shared and taken up again, and gives the same figures. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { evaluateCommand } from '../../src/cli/evaluate.ts';
import { fingerprint } from '../../src/cli/evaluation-job.ts';
import { readRecord, type EvaluationRecord } from '../../src/evaluation/record.ts';
import { decodePng } from '../../src/formats/png-reader.ts';
import { encodePng } from '../../src/formats/png.ts';
import { parseSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { parseUNetConfig } from '../../src/models/unet2d/config.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { fixture } from '../goldens.ts';
import { randomWeights, smallConfig } from '../models/unet2d/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag-evaluate-'));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
/** Two faces are real letters enough here. */
const real = ['--real', at('real.png')];
const { width, pixels } = decodePng(new Uint8Array(readFileSync(fixture('letters/held-out.png'))), 'held-out.png');
writeFileSync(at('real.png'), encodePng({ width, height: 64, channels: 1, pixels: pixels.subarray(0, width * 64) }));
/** Of the size of letters and with their labels, and small: what is measured need not be good. */
const config = {
  ...smallConfig,
  sample_size: 32,
  block_out_channels: [4, 4, 8],
  down_block_types: ['DownBlock2D', 'DownBlock2D', 'AttnDownBlock2D'],
  up_block_types: ['AttnUpBlock2D', 'UpBlock2D', 'UpBlock2D'],
  num_class_embeds: 27,
};
mkdirSync(at('model'));
writeFileSync(at('model/config.json'), JSON.stringify({ ...config, _class_name: 'UNet2DModel' }));
writeFileSync(
  at('model/diffusion_pytorch_model.safetensors'),
  writeSafetensors(Object.fromEntries(randomWeights(parseUNetConfig(config), 1))),
);
copyFileSync(fixture('letters/model/scheduler/scheduler_config.json'), at('model/scheduler_config.json'));
const small = ['--model', at('model'), '--threads', '1'];
const model = [...small, ...real];
const common = [
  ...model,
  '--labels',
  '0-2,7',
  '--null-label',
  '26',
  '--guidance',
  'cfg+pag',
  '--guidance-scale',
  '1.5',
  '--pag-scale',
  '0.5',
  '--steps',
  '1',
  '--count',
  '6',
  '--rounds',
  '3',
];

/** The common options with other values of some of them. */
const commonBut = (values: Readonly<Record<string, string>>): readonly string[] =>
  common.map((arg, i) => values[common[i - 1]] ?? arg);

/** Exit status and what was printed. */
async function evaluate(...args: readonly string[]): Promise<{ status: number; output: string; errors: string }> {
  const output: string[] = [];
  const errors: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void output.push(line));
  const error = vi.spyOn(process.stderr, 'write').mockImplementation((text) => errors.push(String(text)) > 0);
  try {
    const status = await evaluateCommand.run(args);
    return { status, output: output.join('\n'), errors: errors.join('') };
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
}

const recordIn = (name: string): EvaluationRecord =>
  readRecord(parseSafetensors(new Uint8Array(readFileSync(at(name))), name));

describe('a whole evaluation', () => {
  let whole: { status: number; output: string; errors: string };
  beforeAll(async () => {
    whole = await evaluate(...common, '--out', at('whole'), '--json');
  }, 120_000);

  it('gives figures with their intervals', () => {
    expect(whole.status).toBe(0);
    const { settings, pictures, complete, figures } = JSON.parse(whole.output);
    expect([pictures, complete, settings.guidance, settings.steps]).toEqual([6, true, 'cfg+pag', 1]);
    expect(Object.keys(figures)).toEqual([
      'frechetDistance',
      'inceptionScore',
      'precision',
      'recall',
      'confidence',
      'asAsked',
      'letters',
      'diversity',
    ]);
    for (const { value, low, high } of Object.values<{ value: number; low: number; high: number }>(figures)) {
      expect(low).toBeLessThanOrEqual(value);
      expect(value).toBeLessThanOrEqual(high);
    }
  });

  it('is the same whatever the batch, drawn in shards, and taken up again', async () => {
    for (const shard of [1, 2, 3]) {
      const { status, output } = await evaluate(
        ...common,
        '--out',
        at(`part${shard}`),
        '--shard',
        `${shard}/3`,
        '--batch',
        '1',
      );
      expect([status, output]).toEqual([
        0,
        `shard ${shard}/3: 2 of 2 pictures in ${at(`part${shard}`)}; join all shards with --merge`,
      ]);
    }
    const merged = await evaluate(
      '--merge',
      at('part3'),
      at('part1'),
      at('part2'),
      '--json',
      '--rounds',
      '3',
      ...real,
      '--out',
      at('merged'),
    );
    expect(merged).toEqual({ status: 0, output: whole.output, errors: '' });
    expect(readFileSync(at('merged'))).toEqual(readFileSync(at('whole')));

    const nothing = await evaluate(...common, '--out', at('again'), '--for', '0', '--json');
    expect(nothing.errors).toBe('pag: 0 of 6 pictures; 6 to go, the same command goes on\n');
    expect(JSON.parse(nothing.output)).toMatchObject({ pictures: 0, complete: false, figures: {} });
    const resumed = await evaluate(...common, '--out', at('again'), '--batch', '4', '--json');
    expect(resumed.output).toBe(whole.output);
  });

  it('keeps how it was drawn: the scheduler too, without its notes', () => {
    const scheduler = JSON.parse(String(recordIn('whole').settings['scheduler'])) as Record<string, unknown>;
    expect(Object.keys(scheduler).filter((key) => key.startsWith('_'))).toEqual(['_class_name']);
    expect(scheduler).toMatchObject({ _class_name: 'DDIMScheduler', num_train_timesteps: 1000 });
  });

  it('what is drawn is not drawn again', async () => {
    const before = readFileSync(at('whole'));
    const again = await evaluate(...common, '--out', at('whole'), '--for', '0', '--json');
    expect(again).toEqual(whole);
    expect(readFileSync(at('whole'))).toEqual(before);
  });

  it('merging too little says so, with status 1', async () => {
    const { status, output, errors } = await evaluate(
      '--merge',
      at('part1'),
      at('part3'),
      '--json',
      '--rounds',
      '2',
      ...real,
    );
    expect([status, errors]).toEqual([1, 'pag: 2 of 6 pictures are missing\n']);
    expect(JSON.parse(output)).toMatchObject({ pictures: 4, complete: false });
  });

  it('prints a table for people', async () => {
    const { output } = await evaluate('--merge', at('whole'), '--rounds', '2', ...real);
    expect(output.split('\n')[0]).toBe('6 of 6 pictures, with 95 % confidence intervals');
    expect(output).toMatch(/^Fréchet distance +\d+\.\d\d {2}/m);
  });

  it('a shard file does not take other pictures', async () => {
    await expect(evaluate(...common, '--out', at('part1'), '--shard', '2/3')).rejects.toThrow(/not of shard 2\/3/);
    await expect(evaluate(...common, '--out', at('whole'), '--seed', '1')).rejects.toThrow(
      /other settings \(seed is 0\)/,
    );
  });
});

it('a batch that is interrupted leaves the record as it was', async () => {
  const out = at('interrupted');
  const twoSteps = commonBut({ '--steps': '2', '--count': '3' });
  let breaths = 0;
  // Between two steps a promise is resolved; who waits for signals hands on a function without an argument.
  const breaking = vi.spyOn(globalThis, 'setImmediate').mockImplementation(((then: (value?: unknown) => void) => {
    if (then.length === 1 && breaths++ > 0) throw new Error('pulled the plug');
    return setTimeout(then, 0);
  }) as unknown as typeof setImmediate);
  try {
    await expect(evaluate(...twoSteps, '--out', out)).rejects.toThrow('pulled the plug');
  } finally {
    breaking.mockRestore();
  }
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.includes('interrupted'))).toEqual([]);
  await evaluate(...twoSteps, '--out', out, '--batch', '2');
  expect(recordIn('interrupted').numbers).toEqual([0, 1, 2]);
});

it('draws without asking for a letter', async () => {
  const { output } = await evaluate(
    ...model,
    '--null-label',
    '26',
    '--steps',
    '1',
    '--count',
    '2',
    '--rounds',
    '2',
    '--out',
    at('free'),
    '--json',
  );
  expect(JSON.parse(output).figures).not.toHaveProperty('asAsked');
});

describe('a fingerprint', () => {
  const of = (...weights: (readonly [string, readonly number[], readonly number[]])[]): string =>
    fingerprint(new Map(weights.map(([name, shape, data]) => [name, tensor('f32', shape, Float32Array.from(data))])));
  const one = of(['a', [2], [1, 2]], ['b', [1], [3]]);

  it('is the same for the same weights in any order', () => {
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(of(['b', [1], [3]], ['a', [2], [1, 2]])).toBe(one);
  });

  it.each([
    ['name', of(['a', [2], [1, 2]], ['c', [1], [3]])],
    ['shape', of(['a', [2, 1], [1, 2]], ['b', [1], [3]])],
    ['number', of(['a', [2], [1, 2]], ['b', [1], [4]])],
  ])('is another with another %s', (_what, other) => {
    expect(other).not.toBe(one);
  });
});

it.each([
  [['--model', 'nowhere', '--out', 'x', ...real], /nowhere/],
  [[...model, '--null-label', '26'], /--out is missing/],
  [[...model, '--out', at('x')], /class-conditional; give --labels/],
  [
    ['--model', fixture('goldens/runs/conditional'), '--out', at('x'), '--labels', '0', ...real],
    /draws pictures of shape \[1, 8, 8\]/,
  ],
  [[...model, '--out', at('x'), '--labels', 'a'], /--labels has "a"/],
  [[...model, '--out', at('x'), '--labels', '3-1'], /--labels has "3-1"/],
  [[...model, '--out', at('x'), '--labels', '0-99'], /class label 27 is outside/],
  [[...model, '--out', at('x'), '--labels', '0', '--shard', '3/2'], /--shard is "3\/2"/],
  [[...model, '--out', at('x'), '--labels', '0', '--guidance', 'pag', '--pag-scale', '1,2'], /one for all pictures/],
  [[...model, '--out', at('x'), '--labels', '0', '--count', '0'], /--count is 0; expected a whole number from 1/],
  [[...model, '--out', at('x'), '--labels', '0', '--batch', '0'], /--batch is 0; expected a whole number from 1/],
  // The last picture would have a seed that is not exact.
  [
    [...model, '--out', at('x'), '--labels', '0', '--count', '2', '--seed', '9007199254740991'],
    /--seed is 9007199254740991; expected a whole number from 0 to 9007199254740990/,
  ],
  [
    [...small, '--out', at('x'), '--labels', '0', '--count', '1', '--real', fixture('letters/model/model_index.json')],
    /model_index.json: this is no PNG/,
  ],
  [[...model, '--out', folder, '--labels', '0'], /it is a folder/],
  [['--merge'], /RECORD.safetensors... is missing/],
  [['--merge', 'x', '--seed', '1'], /--seed has no effect with --merge/],
  [['--merge', fixture('letters/classifier.safetensors')], /no record of an evaluation/],
])('%j is refused', async (args, message) => {
  await expect(evaluate(...args)).rejects.toThrow(message);
  expect(existsSync(at('x'))).toBe(false);
});

it('a wrong number of rounds is refused before anything is drawn', async () => {
  await expect(evaluate(...commonBut({ '--rounds': '0' }), '--out', at('rounds'))).rejects.toThrow(
    '--rounds is 0; expected a whole number from 1 to 100000',
  );
  expect(existsSync(at('rounds'))).toBe(false);
});
