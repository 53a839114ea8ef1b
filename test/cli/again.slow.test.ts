/** Pictures carry how they were drawn, and can be drawn again; each by itself, and as an animation. */
import { linkSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { fixedFolder, isTemplate, namesFrom } from '../../src/cli/out-template.ts';
import { decodePng, readPngTexts } from '../../src/formats/png-reader.ts';
import { encodePng } from '../../src/formats/png.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { capturePrinted, refusal } from './console.ts';
import { decodeGif } from '../formats/gif-decoder.ts';
import { letters, smallKernels, temporaryFolder, tiny } from './models.ts';

const { path, save } = temporaryFolder();
const printed = capturePrinted();
const quick = (...args: string[]): string[] => [
  ...['sample', '--model', tiny, '--steps', '2', '--count', '2', ...smallKernels],
  ...args,
];
const draw = async (...args: string[]): Promise<void> => expect(await runCommand(quick(...args))).toBe(0);
const textsIn = (file: string) => readPngTexts(readFileSync(file), file);
const again = (file: string, ...args: string[]): string[] => ['again', file, '--out', path('again.png'), ...args];

describe('a picture', () => {
  it('carries how it was drawn, and not where', async () => {
    const noise = save('noise.safetensors', { noise: manualSeed(3).randn([2, 3, 8, 8]) });
    await runCommand(['sample', '--model', tiny, '--steps', '2', '--noise', noise, '--out', path('a.png')]);
    const texts = textsIn(path('a.png'));
    expect(texts.get('Software')).toMatch(/^pag-reference \d/);
    expect(texts.get('Title')).toBe('none, DDIM, 2 steps');
    const record = JSON.parse(texts.get('pag') ?? '');
    expect(record).toMatchObject({ schema: 1, options: { steps: ['2'] } });
    expect(Object.keys(record.files)).toEqual(['model', 'noise']);
    for (const hash of Object.values(record.files)) expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(texts.get('Model SHA-256')).toBe(record.files.model);
    expect([...texts.values()].join()).not.toContain(path('.'));
  });

  it('is drawn again, bit for bit, with all that changes it', async () => {
    const config = save('euler.json', '{"_class_name":"EulerAncestralDiscreteScheduler"}');
    const options = ['--seeds', '4,9', '--guidance', 'pag', '--pag-scale=1.5', '--scheduler-config', config];
    const seeds = ['sample', '--model', tiny, '--steps', '2', ...options, '--noise-dtype', 'f64'];
    await runCommand([...seeds, '--out', path('b.png')]);
    expect(await runCommand(again(path('b.png'), '--model', tiny, '--scheduler-config', config))).toBe(0);
    expect(printed.at(-1)).toBe(
      `${path('again.png')} is the same picture as ${path('b.png')}: pag, EulerAncestralDiscrete, 2 steps`,
    );
    expect(readFileSync(path('again.png')).equals(readFileSync(path('b.png')))).toBe(true);
  });

  it('of letters needs no model to be named', async () => {
    await runCommand(['sample', '--labels', '3', '--steps', '1', '--out', path('d.png')]);
    expect(await runCommand([...again(path('d.png')), '--json'])).toBe(0);
    expect(JSON.parse(printed.at(-1) ?? '')).toMatchObject({ schema: 1, same: true });
  });

  it('that is another one now ends with status 1', async () => {
    await draw('--out', path('c.png'));
    const bytes = readFileSync(path('c.png'));
    const { width, height, channels, pixels } = decodePng(bytes, 'c');
    const texts = Object.fromEntries(readPngTexts(bytes, 'c'));
    writeFileSync(path('c.png'), encodePng({ width, height, channels, pixels: pixels.map((v) => v ^ 1) }, texts));
    expect(await runCommand(again(path('c.png'), '--model', tiny))).toBe(1);
    expect(printed.at(-1)).toContain('is another picture than');
  });

  it('needs the same model and files, named again', async () => {
    const noise = save('noise2.safetensors', { noise: manualSeed(3).randn([2, 3, 8, 8]) });
    const other = save('noise3.safetensors', { noise: manualSeed(4).randn([2, 3, 8, 8]) });
    const file = path('e.png');
    const run = ['--model', tiny, '--steps', '2', '--noise', noise, '--out', file];
    await runCommand(['sample', ...run, ...smallKernels]);
    expect(await refusal(...again(file, '--model', tiny))).toBe(`${file} was drawn with --noise; give it again`);
    expect(await refusal(...again(file, '--model', tiny, '--noise', noise, '--init', noise))).toBe(
      `${file} was drawn without --init; leave it out`,
    );
    expect(await refusal(...again(file, '--model', tiny, '--noise', other))).toMatch(
      /e\.png was drawn with another --noise: its SHA-256 is [0-9a-f]{64}, but that of what is given is [0-9a-f]{64}$/,
    );
    await runCommand(['sample', '--labels', '3', '--steps', '1', '--out', path('f.png')]);
    expect(await refusal(...again(path('f.png'), '--model', tiny))).toContain('not class-conditional');
    expect(await refusal('again', path('f.png'), '--out', '-')).toContain('--out must be a file');
  });

  it('that says nothing of its run, or nothing sound, is refused', async () => {
    const plain = { width: 1, height: 1, channels: 1, pixels: Uint8Array.of(3) } as const;
    const carrying = (pag: string): string => {
      writeFileSync(path('odd.png'), encodePng(plain, { pag }));
      return path('odd.png');
    };
    writeFileSync(path('plain.png'), encodePng(plain));
    expect(await refusal(...again(path('plain.png')))).toBe(
      `${path('plain.png')} does not say how it was drawn; pictures of pag sample --out do`,
    );
    const sound = { schema: 1, version: '0.1.0', options: {}, files: {} };
    for (const odd of [
      'null',
      '[]',
      '{}',
      JSON.stringify({ ...sound, schema: 2 }),
      JSON.stringify({ ...sound, options: { seed: 1 } }),
      JSON.stringify({ ...sound, files: { model: 1 } }),
      JSON.stringify({ ...sound, picture: '1' }),
    ])
      expect(await refusal(...again(carrying(odd)))).toContain('is not what pag sample writes');
    // A picture of somebody else's must not write where it likes, nor read.
    for (const name of [
      'out',
      'latents',
      'animation',
      'log-file',
      'model',
      'init',
      'invert',
      'out-noise',
      'lora',
      'help',
    ])
      expect(
        await refusal(...again(carrying(JSON.stringify({ ...sound, options: { [name]: ['/tmp/x'] } })))),
      ).toContain(`a run has no --${name}, or carries none`);
  });

  it('that an older version drew is drawn with a warning', async () => {
    await draw('--out', path('g.png'));
    const bytes = readFileSync(path('g.png'));
    const record = JSON.parse(readPngTexts(bytes, 'g').get('pag') ?? '');
    writeFileSync(
      path('g.png'),
      encodePng(decodePng(bytes, 'g'), { pag: JSON.stringify({ ...record, version: '0.0.1' }) }),
    );
    let said = '';
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
      said += String(part);
      return true;
    });
    await runCommand(again(path('g.png'), '--model', tiny)).finally(() => write.mockRestore());
    expect(said).toContain('was drawn by version 0.0.1');
  });
});

describe('pictures by themselves', () => {
  it('have names of their own, in a folder that is made, and are drawn again one by one', async () => {
    const out = path('single/{seed}/{index}-{label}.png');
    await runCommand(['sample', '--model', tiny, '--steps', '2', '--seeds', '8,9', '--out', out]);
    expect(readdirSync(path('single'))).toEqual(['8', '9']);
    expect(printed[0]).toContain(`${path('single/8/0-none.png')} and ${path('single/9/1-none.png')}`);
    const file = path('single/9/1-none.png');
    expect(decodePng(readFileSync(file), file)).toMatchObject({ width: 8, height: 8, channels: 3 });
    expect(await runCommand(again(file, '--model', tiny))).toBe(0);
    expect(readFileSync(path('again.png')).equals(readFileSync(file))).toBe(true);
    await runCommand(['sample', '--model', letters, '--labels', '2,5', '--steps', '1', '--out', path('{label}.png')]);
    expect(readdirSync(path('.'))).toEqual(expect.arrayContaining(['2.png', '5.png']));
  });

  it('must not have the same name, nor lie where nothing can be written', async () => {
    expect(await refusal(...quick('--out', path('{seed}.png')))).toContain('{index} tells them apart');
    for (const option of ['--out', '--animation'])
      expect(await refusal(...quick(option, path('{index}-{sed}.png')))).toContain(
        'there is no place {sed}, but {index}, {seed} and {label}',
      );
    const one = 'but one file is written; name it without {}';
    expect(await refusal(...quick('--latents', path('{index}.safetensors')))).toContain(one);
    expect(await refusal('again', path('grid.png'), '--out', path('{index}.png'))).toContain(one);
    expect(await refusal(...quick('--out', `${tiny}/config.json/{index}.png`))).toContain('not a folder');
  });

  it('of two hard links of one file are two', async () => {
    writeFileSync(path('picture.png'), 'old');
    linkSync(path('picture.png'), path('steps.png'));
    linkSync(path('picture.png'), path('kept.png'));
    await draw('--out', path('picture.png'), '--animation', path('steps.png'));
    const chunks = (name: string): string => readFileSync(path(name)).toString('latin1');
    expect([chunks('picture.png').includes('acTL'), chunks('steps.png').includes('acTL')]).toEqual([false, true]);
    expect(chunks('kept.png')).toBe('old');
  });

  it('fill the places of a template', () => {
    const one = { index: 3, seed: '-5', label: 'none' };
    expect(namesFrom('a{b}/{index}_{seed}{label}{index}.png', [one], '--out')).toEqual(['a{b}/3_-5none3.png']);
    expect(isTemplate('a{b}.png')).toBe(false);
    expect([fixedFolder('a/b/x{index}.png'), fixedFolder('{seed}/x'), fixedFolder('a/{seed}/x')]).toEqual([
      'a/b',
      '.',
      'a',
    ]);
  });
});

describe('an animation', () => {
  it('has a frame for each step, and one for the result, which is shown longest', async () => {
    await draw('--animation', path('steps.png'), '--out', path('grid.png'));
    const bytes = readFileSync(path('steps.png'));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const chunks: [type: string, data: Buffer][] = [];
    for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at))
      chunks.push([bytes.toString('latin1', at + 4, at + 8), bytes.subarray(at + 8, at + 8 + view.getUint32(at))]);
    const types = chunks.map(([type]) => type).filter((type) => type !== 'iTXt');
    expect(types).toEqual(['IHDR', 'acTL', 'fcTL', 'IDAT', 'fcTL', 'fdAT', 'fcTL', 'fdAT', 'IEND']);
    const numbered = chunks.filter(([type]) => type === 'fcTL' || type === 'fdAT');
    expect(numbered.map(([, data]) => data.readUInt32BE(0))).toEqual([0, 1, 2, 3, 4]);
    const delays = chunks.filter(([type]) => type === 'fcTL').map(([, data]) => data.readUInt16BE(20));
    expect(delays).toEqual([100, 100, 2000]);
    // The last frame is the picture itself: as a PNG of its own it has the pixels of --out.
    const [, last = Buffer.alloc(0)] = chunks.filter(([type]) => type === 'fdAT').at(-1) ?? [];
    const { width, height, channels, pixels } = decodePng(readFileSync(path('grid.png')), 'grid');
    expect(inflateSync(last.subarray(4)).length).toBe(height * (width * channels + 1));
    const lines = inflateSync(last.subarray(4)).filter((_value, i) => i % (width * channels + 1) !== 0);
    expect(Buffer.from(pixels).equals(lines)).toBe(true);
  });

  it('is one of each picture where its name has places, in folders that are made', async () => {
    await draw('--animation', path('each/{index}-{seed}.gif'), '--out', path('each/{index}-{seed}.png'));
    for (const name of ['0-0', '1-0']) {
      const { frames } = decodeGif(readFileSync(path(`each/${name}.gif`)));
      expect(frames.map(({ hundredths }) => hundredths)).toEqual([10, 10, 200]);
    }
    expect(await refusal(...quick('--animation', path('{seed}.gif')))).toContain('--animation');
    expect(await refusal(...quick('--animation', path('{seed}.gif')))).toContain('{index} tells them apart');
    expect(await refusal(...quick('--animation', `${tiny}/config.json/{index}.gif`))).toContain('not a folder');
    expect(await refusal(...quick('--animation', path('{index}.png'), '--out', path('1.png')))).toContain(
      '--out and --animation name the same file',
    );
  });

  it('is a GIF where it is named so', async () => {
    await draw('--animation', path('steps.GIF'));
    const { frames } = decodeGif(readFileSync(path('steps.GIF')));
    expect(frames.map(({ hundredths }) => hundredths)).toEqual([10, 10, 200]);
  });
});

describe('texts of a PNG', () => {
  it('are read as they were written, whatever they say', () => {
    const picture = { width: 1, height: 1, channels: 1, pixels: Uint8Array.of(9) } as const;
    const keyword = fc.stringMatching(/^[A-Za-z0-9 _-]{1,79}$/);
    fc.assert(
      fc.property(fc.dictionary(keyword, fc.string({ unit: 'grapheme' }), { noNullPrototype: true }), (texts) => {
        const bytes = encodePng(picture, texts);
        expect(Object.fromEntries(readPngTexts(bytes, 'x'))).toEqual(texts);
        expect(decodePng(bytes, 'x').pixels).toEqual(picture.pixels);
      }),
    );
    expect(() => encodePng(picture, { '': 'x' })).toThrow('is no keyword');
    expect(() => encodePng(picture, { ['x'.repeat(80)]: 'x' })).toThrow('is no keyword');
  });
});
