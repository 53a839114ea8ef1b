import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../../src/cli/commands.ts';
import { parseSafetensors, readTensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { capturePrinted, refusal } from './console.ts';
import { temporaryFolder } from './models.ts';

const { path } = temporaryFolder();
const printed = capturePrinted();

const name = 'guidances/cfg-pag';
const oracle = new URL('../../fixtures/oracle/', import.meta.url);
const expected = readTensors(
  parseSafetensors(readFileSync(new URL(`${name}/expected.safetensors`, oracle)), 'expected'),
);
const guided = expected.get('f32/guided')!;

function theirs(file: string, tensors: Readonly<Record<string, Tensor>>): string {
  writeFileSync(path(file), writeSafetensors(tensors));
  return path(file);
}

describe('pag cases, export and check', () => {
  it('list, write and check a case, with status 0', async () => {
    expect(await runCommand(['cases'])).toBe(0);
    expect(printed[0]?.split('\n').find((line) => line.startsWith(name))).toMatch(/classifier-free guidance and PAG/);
    const folder = path('exported');
    expect(await runCommand(['export', name, folder])).toBe(0);
    expect(printed.at(-1)).toMatch(/pag check .*exported yours\.safetensors/);
    expect(await runCommand(['check', folder, theirs('right.safetensors', { guided })])).toBe(0);
    expect(printed.at(-1)).toMatch(/✓ guided is within budget/);
  });

  it('export the weights of another case and of the letters model', async () => {
    for (const [from, count] of [
      ['runs/cfg', 84],
      ['runs/letters', 1],
    ] as const) {
      expect(await runCommand(['export', from, path(from)])).toBe(0);
      expect(
        parseSafetensors(readFileSync(join(path(from), 'weights.safetensors')), 'weights').entries.size,
      ).toBeGreaterThanOrEqual(count);
    }
  });

  it('export inputs and weights rounded to 16 bits', async () => {
    expect(await runCommand(['export', 'layers/resnet', path('rounded'), '--dtype', 'bf16'])).toBe(0);
    expect(printed.at(-1)).toMatch(/inputs and weights are rounded first/);
    for (const file of ['inputs', 'weights']) {
      const read = (name: string) =>
        readTensors(parseSafetensors(readFileSync(join(path('rounded'), `${name}.safetensors`)), name));
      const [plain, rounded] = [read(file), read(`${file}.bf16`)];
      expect([...rounded.keys()].sort()).toEqual([...plain.keys()].sort());
      for (const [key, value] of plain) expect(rounded.get(key)).toEqual(cast(value, 'bf16'));
    }
    expect(existsSync(join(path('exported'), 'inputs.bf16.safetensors'))).toBe(false);
    expect(await refusal('export', 'layers/resnet', path('rounded'), '--dtype', 'f64')).toMatch(
      /expected tf32, bf16, f16/,
    );
  });

  it('write JUnit and HTML, and print JSON, with status 1 where something is off', async () => {
    const file = theirs('wrong.safetensors', { guided: { ...guided, data: guided.data.map((value) => 2 * value) } });
    expect(await runCommand(['check', name, file, '--json', '--junit', path('r.xml'), '--html', path('r.html')])).toBe(
      1,
    );
    expect(JSON.parse(printed[0])).toMatchObject({
      passes: false,
      first: 'guided',
      residual: ['guided: it is the truth times 2 (2).'],
    });
    expect(readFileSync(path('r.xml'), 'utf8')).toMatch(/failures="1"/);
    expect(readFileSync(path('r.html'), 'utf8')).toMatch(/<!doctype html>/);
  });

  it('try no mistakes on a model of more than a million weights, and say so', async () => {
    const file = theirs('wrong.safetensors', { guided: { ...guided, data: guided.data.map((value) => 2 * value) } });
    for (const [count, says] of [
      [1e6, /mistake/],
      [1e6 + 1, /This model is too large to try all mistakes on; the small cases name them/],
    ] as const) {
      const folder = path(`of-${count}`);
      cpSync(new URL(`${name}/`, oracle), folder, { recursive: true });
      const weights = { unused: tensor('f16', [count], new Float32Array(count)) };
      writeFileSync(join(folder, 'weights.safetensors'), writeSafetensors(weights));
      const json = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
      json.sha256.weights = {
        unused: createHash('sha256')
          .update(new Uint8Array(2 * count))
          .digest('hex'),
      };
      writeFileSync(join(folder, 'case.json'), JSON.stringify(json));
      expect(await runCommand(['check', folder, file])).toBe(1);
      expect(printed.at(-1)).toMatch(says);
      expect(/too large/.test(printed.at(-1) ?? '')).toBe(count > 1e6);
    }
  });

  it('list the cases as JSON', async () => {
    expect(await runCommand(['cases', '--json'])).toBe(0);
    const { schema, cases } = JSON.parse(printed[0] ?? '');
    expect(schema).toBe(1);
    expect(cases.find((one: { name: string }) => one.name === name)).toEqual({
      name,
      title: 'classifier-free guidance and PAG',
      kind: 'guidance',
      taps: ['guided'],
    });
    expect(cases.length).toBeGreaterThan(90);
  });

  it('check all cases of a kit for which there are files, and report them together', async () => {
    const [kit, files] = [path('kit'), path('files')];
    for (const each of [name, 'guidances/none', 'guidances/pag']) {
      expect(await runCommand(['export', each, join(kit, each)])).toBe(0);
    }
    expect(await refusal('check', kit, files)).toMatch(
      /files holds no file for a case of .*kit; expected are .*guidances/,
    );
    mkdirSync(join(files, 'guidances'), { recursive: true });
    const put = (file: string, value: Tensor) => writeFileSync(join(files, file), writeSafetensors({ guided: value }));
    put(`${name}.safetensors`, guided);
    const good = ['check', kit, files, '--json'];
    expect(await runCommand(good)).toBe(0);
    expect(JSON.parse(printed.at(-1) ?? '')).toMatchObject({ schema: 1, passes: true, cases: [{ case: name }] });

    // It is not checked again, unless something has changed or all is to be checked.
    expect(await runCommand(good)).toBe(0);
    const again = JSON.parse(printed.at(-1) ?? '');
    expect(again).toMatchObject({ passes: true, cases: [], unchanged: [{ case: name }] });
    const checked = async (...options: string[]): Promise<number> => {
      await runCommand([...good, ...options]);
      return JSON.parse(printed.at(-1) ?? '').cases.length;
    };
    expect([await checked('--fresh'), await checked(), await checked('--dtype', 'tf32')]).toEqual([1, 0, 1]);
    expect([await checked('--record', path('record.json')), await checked('--dtype', 'tf32')]).toEqual([1, 0]);
    expect(await refusal(...good, '--record', join(files, `${name}.safetensors`))).toMatch(/is written, not/);
    writeFileSync(path('other.json'), '{"cases":[]}');
    expect(await refusal(...good, '--record', path('other.json'))).toMatch(/other\.json is no record of pag check/);
    expect(await refusal('check', name, join(files, `${name}.safetensors`), '--fresh')).toMatch(/without a kit/);

    put('guidances/pag.safetensors', guided);
    const [xml, html] = [path('kit.xml'), path('kit.html')];
    expect(await runCommand(['check', kit, files, '--fresh'])).toBe(1);
    expect(await runCommand(['check', kit, files])).toBe(1);
    expect(printed.at(-1)).toMatch(/✗ guidances\/pag: 1 of 1 tap is off.*\n✓ guidances\/cfg-pag: unchanged; /);
    expect(printed.at(-1)).toMatch(/1 case checked, 1 unchanged, 1 off, 1 without a file$/);
    expect(await runCommand(['check', kit, files, '--fresh', '--junit', xml, '--html', html])).toBe(1);
    expect(printed.at(-1)).toMatch(/✓ guidances\/cfg-pag: .*\n✗ guidances\/pag: 1 of 1 tap is off/);
    expect(printed.at(-1)).toMatch(/2 cases checked, 1 off, 1 without a file$/);
    expect(readFileSync(xml, 'utf8').match(/<testsuite /g)).toHaveLength(2);
    const page = readFileSync(html, 'utf8');
    expect(page).toMatch(/<h1>2 cases, 1 off<\/h1><\/header>\n<details open><summary>✗ <code>guidances\/pag<\/code>/);
    expect(page.match(/<details open>/g)).toHaveLength(1);
  });

  it('let no NaN pass', async () => {
    const file = theirs('nan.safetensors', { guided: { ...guided, data: guided.data.map(() => NaN) } });
    expect(await runCommand(['check', name, file, '--no-diagnosis'])).toBe(1);
    expect(printed[0]).toMatch(/guided holds 48 numbers that are NaN or infinite, the first at \[0, 0, 0, 0\]/);
  });
});

describe('unusable input is one line', () => {
  it('about a file that is cut off, empty, no safetensors, or not there', async () => {
    const whole = writeSafetensors({ guided });
    for (const [file, bytes] of [
      ['cut', whole.subarray(0, whole.length - 7)],
      ['short', whole.subarray(0, 30)],
      ['none', new Uint8Array()],
      ['text', new TextEncoder().encode('not a tensor in here')],
    ] as const) {
      writeFileSync(path(file), bytes);
      expect(await refusal('check', name, path(file))).toMatch(new RegExp(`^${file}: `));
    }
    expect(await refusal('check', name, path('nothing'))).toMatch(/cannot read .*nothing: there is no such file/);
  });

  it('about names that are no taps, and integers', async () => {
    expect(await refusal('check', name, theirs('names.safetensors', { gided: guided }))).toMatch(
      /holds no tap of guidances\/cfg-pag; it has gided; expected are guided/,
    );
    writeFileSync(path('integers'), writeSafetensors({ guided: { shape: [1], integers: [3] } }));
    expect(await refusal('check', name, path('integers'))).toMatch(/"guided" holds I64; expected floating-point/);
  });

  it('about options', async () => {
    const file = theirs('fine.safetensors', { guided });
    expect(await refusal('check', name, file, '--dtype', 'fp16')).toMatch(/--dtype is "fp16"; expected f32, tf32/);
    expect(await refusal('check', name, file, '--only', 'x.*')).toMatch(/--only x\.\* names no tap/);
    expect(await refusal('check', 'guidances/cfg-pga', file)).toMatch(/did you mean "guidances\/cfg-pag"/);
    expect(await refusal('check', name)).toMatch(/THEIRS\.safetensors is missing/);
    expect(await refusal('check', name, file, '--html', path('no/folder/r.html'))).toMatch(/cannot write/);
  });

  it('about a case that was changed', async () => {
    const file = theirs('fine.safetensors', { guided });
    let count = 0;
    const changed = (change: (json: Record<string, unknown>) => unknown): string => {
      const folder = path(`case${count++}`);
      mkdirSync(folder);
      cpSync(new URL(`${name}/`, oracle), folder, { recursive: true });
      const json = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
      change(json);
      writeFileSync(join(folder, 'case.json'), JSON.stringify(json));
      return folder;
    };
    const guidance = (json: Record<string, unknown>) =>
      (json['subject'] as { guidance: Record<string, unknown> }).guidance;
    const sums = (json: Record<string, unknown>) => json['sha256'] as Record<string, Record<string, string>>;
    const changes: readonly (readonly [(json: Record<string, unknown>) => unknown, RegExp])[] = [
      [(json) => Object.assign(json, { schema: 2 }), /schema is 2; this version reads 1/],
      [(json) => Object.assign(json, { more: 1 }), /unknown key "more"/],
      [
        (json) => Object.assign(guidance(json), { pag_scale: 3.1 }),
        /do not give the guided of expected\.safetensors; case\.json or weights\.safetensors was changed/,
      ],
      [
        (json) => Object.assign(guidance(json), { pag_scale: 'much' }),
        /"pag_scale" is "much"; expected a finite number/,
      ],
      [(json) => Object.assign(json['subject'] as object, { kind: '__proto__' }), /of kind "__proto__"/],
      [(json) => Object.assign(sums(json)['inputs']!, { sample: '0' }), /"sample" is not what case.json promises/],
      [(json) => delete sums(json)['inputs'], /has no input/],
      [(json) => Object.assign(json, { model: '../../../etc' }), /which does not ship/],
      [(json) => Object.assign(json, { sha256: {} }), /"expected" is missing/],
    ];
    for (const [change, message] of changes) expect(await refusal('check', changed(change), file)).toMatch(message);
  });

  it('about weights that were changed and have no sums of their own', async () => {
    expect(await runCommand(['export', 'runs/cfg', path('weights')])).toBe(0);
    const weights = Object.fromEntries(
      readTensors(parseSafetensors(readFileSync(path('weights/weights.safetensors')), 'weights')),
    );
    weights['conv_out.bias']!.data[0]! += 1e-3;
    writeFileSync(path('weights/weights.safetensors'), writeSafetensors(weights));
    const { 'f32/step.0.guided': one } = Object.fromEntries(
      readTensors(parseSafetensors(readFileSync(path('weights/expected.safetensors')), 'expected')),
    );
    expect(await refusal('check', path('weights'), theirs('guided.safetensors', { 'step.0.guided': one! }))).toMatch(
      /do not give the .* of expected\.safetensors/,
    );
  });

  it('and leaves nothing half-written', () => {
    expect(existsSync(path('no'))).toBe(false);
  });
});
