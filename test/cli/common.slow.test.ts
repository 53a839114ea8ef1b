/** What all commands have in common: options, completion, where messages and results go. */
import { execFileSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { commands, runCommand } from '../../src/cli/commands.ts';
import { commonOptions } from '../../src/cli/options.ts';
import { zeros } from '../../src/tensor/tensor.ts';
import { capturePrinted, refusal } from './console.ts';
import { conditional, letters, smallKernels, temporaryFolder, tiny } from './models.ts';

const { path, save } = temporaryFolder();
const printed = capturePrinted();
const quick = (...args: string[]): string[] => ['sample', '--model', tiny, '--steps', '1', '--count', '1', ...args];

/** What a command writes on stderr. */
async function said(...args: string[]): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  await runCommand(args).finally(() => write.mockRestore());
  return text;
}

describe('pag', () => {
  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCommand(['--version'])).toBe(0);
    expect(printed).toEqual([version]);
  });

  it('help COMMAND is COMMAND --help', async () => {
    await runCommand(['help', 'tokens']);
    await runCommand(['tokens', '--help']);
    await runCommand(['help', 'sample', '--guidance', 'sag']);
    await runCommand(['sample', '--guidance', 'sag', '--help']);
    expect(printed[0]).toMatch(/^pag tokens/);
    expect(printed[1]).toBe(printed[0]);
    expect(printed[2]).toMatch(/^pag sample[\s\S]*sag: /);
    expect(printed[3]).toBe(printed[2]);
    expect(await refusal('help', 'tokns')).toContain('did you mean "tokens"?');
  });
});

describe('a result', () => {
  const input = save('in.safetensors', {
    sample: zeros('f32', [1, 3, 8, 8]),
    target: zeros('f32', [1, 3, 8, 8]),
    timestep: zeros('f32', [1]),
  });
  const model = ['--model', tiny, '--input', input, '--out', path('out.safetensors')];
  const words = join(letters, '../../letters-text/model');
  const theirs = join(letters, '../../oracle/ports/tiny.bf16.safetensors');
  /** A call of each command; those that measure or serve for long are tried elsewhere. */
  const calls: Readonly<Record<string, readonly string[]>> = {
    sample: quick('--out', path('a.png')).slice(1),
    forward: model,
    gradient: model,
    tokens: ['--model', words, '--prompt', 'a letter'],
    guidances: ['pag'],
    schedulers: ['ddim'],
    cases: [],
    export: ['operations/softmax', path('kit')],
    check: ['unets/tiny', theirs, '--dtype', 'bf16', '--only', 'conv_in', '--no-diagnosis'],
    completion: ['bash'],
  };

  it.each(Object.keys(commands).filter((name) => Object.hasOwn(calls, name)))(
    'of pag %s is one value of JSON with --json, alone on stdout',
    async (name) => {
      await runCommand([name, ...(calls[name] ?? []), '--json']).catch(() => expect.fail('it is refused'));
      expect(printed).toHaveLength(1);
      expect(JSON.parse(printed[0])).toBeTypeOf('object');
    },
  );

  it('of all guidances and all schedulers is a list of them', async () => {
    await runCommand(['guidances', '--json']);
    await runCommand(['schedulers', '--json']);
    expect(Object.keys(JSON.parse(printed[0]).guidances)).toContain('cfg+pag');
    expect(JSON.parse(printed[1]).schedulers.map((one: { name: string }) => one.name)).toContain('ddim');
  });

  it('says nothing in the language of terminals', async () => {
    const evil = path('evil\u001b[2J\u009b31m.png');
    await runCommand(quick('--out', evil));
    expect(printed[0]).toContain('evil\\u001b[2J\\u009b31m.png');
    expect(printed[0]).not.toMatch(/\p{Cc}/u);
  });
});

describe('messages', () => {
  const odd = (): string[] => quick('--out', path('a.png'), '--scheduler-config', save('odd.json', oddConfig));
  const oddConfig = JSON.stringify({ _class_name: 'DDIMScheduler', 'odd\u001b]0;x\u0007': 1 });

  it('go to stderr, their control characters as escapes', async () => {
    expect(await said(...odd())).toMatch(/^pag: [^\p{Cc}]*odd\\u001b\]0;x\\u0007[^\p{Cc}]*\n$/u);
    expect(printed).toHaveLength(1);
  });

  it('are not said with --quiet', async () => {
    expect(await said(...odd(), '--quiet')).toBe('');
    expect(printed).toHaveLength(1);
  });

  it('are kept by --log-file, with the time, the command and how it ended', async () => {
    const log = path('log');
    await said(...odd(), '--quiet', '--log-file', log);
    await said(...quick('--out', path('a.jpg')), `--log-file=${log}`).catch(() => {});
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [^\p{Cc}]+$/u);
    const texts = lines.map((line) => line.slice(25));
    expect(texts[0]).toMatch(/^pag \d+\.\d+\.\d+: \["sample","--model"/);
    expect(texts[1]).toContain('odd');
    expect(texts.slice(2, 4)).toEqual([printed[0], 'ended with status 0']);
    expect(texts.at(-1)).toMatch(/^ended with status 2: --out is /);
  });

  it('cannot be kept where nothing can be written', async () => {
    expect(await refusal(...quick('--out', path('a.png'), '--log-file', path('absent/log')))).toBe(
      `cannot write ${path('absent/log')}: there is no folder ${path('absent')}`,
    );
    expect(await refusal(...quick('--log-file='))).toBe('--log-file is empty; it needs a value');
  });
});

describe('output files', () => {
  it.each([
    ['x.jpg', '--out is x.jpg, but PNG is written, not .jpg; name it otherwise'],
    ['X.WEBP', '--out is X.WEBP, but PNG is written, not .WEBP; name it otherwise'],
  ])('are not called %s', async (name, message) => {
    expect(await refusal(...quick('--out', name))).toBe(message);
  });

  it('are not tensors by a name of pictures', async () => {
    expect(await refusal(...quick('--latents', 'x.png'))).toContain('safetensors is written, not .png');
  });

  it('are different files, whatever they are called', async () => {
    const [here, link, folder] = [path('same'), path('link'), path('folder-link')];
    writeFileSync(here, '');
    symlinkSync(here, link);
    symlinkSync(path('.'), folder);
    symlinkSync('dangling', path('to-dangling'));
    for (const [one, other] of [
      [here, here],
      [here, `${path('.')}/./same`],
      [here, link],
      [link, join(folder, 'same')],
      [path('to-dangling'), join(folder, 'dangling')],
      ['-', '-'],
    ] as const)
      expect(await refusal(...quick('--out', one, '--latents', other))).toBe(
        `--out and --latents name the same file, ${other}`,
      );
  });

  it('may be stdout, which then has nothing else', async () => {
    const parts: Uint8Array[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((part) => parts.push(part as Uint8Array) > 0);
    const message = await said(...quick('--scheduler', 'ddim', '--out', '-')).finally(() => write.mockRestore());
    expect(String.fromCharCode(...Buffer.concat(parts).subarray(1, 4))).toBe('PNG');
    expect(printed).toEqual([]);
    expect(message).toMatch(/^pag: 1 sample of \[3, 8, 8\].*: -\n$/);
    expect(await refusal(...quick('--out', '-', '--json'))).toBe(
      '--out - and --json both want stdout; leave out one of them',
    );
  });
});

describe('labels', () => {
  const drawn = (...args: string[]): string[] => ['sample', '--steps', '1', '--out', path('a.png'), ...args];

  it('are numbers and ranges', async () => {
    const latents = path('l.safetensors');
    const four = ['--model', conditional, '--latents', latents, ...smallKernels];
    await runCommand([...drawn('--labels', '0-2,2'), ...four]);
    const whole = readFileSync(latents);
    await runCommand([...drawn('--labels', '0, 1,2 ,2-2'), ...four]);
    expect(printed[0]).toContain('4 samples of [1, 8, 8]');
    expect(readFileSync(latents).equals(whole)).toBe(true);
  });

  it.each([
    ['0-999999999', 'is 1000000000 labels; at most 100000 can be listed'],
    [Array.from({ length: 30 }, () => '0-9999').join(','), 'is 300000 labels; at most 100000 can be listed'],
    ['0-99999999999999999999', 'expected whole numbers or ranges'],
    ['4-2', '--labels has "4-2"; expected whole numbers or ranges as 0-25, between commas'],
    ['0-26,27', 'class label 27 is outside'],
  ])('%s are refused', async (labels, message) => {
    expect(await refusal(...drawn('--labels', labels))).toContain(message);
  });
});

describe('completion', () => {
  it('knows every command and every option of it', async () => {
    await runCommand(['completion', 'bash', '--json']);
    const { commands: table } = JSON.parse(printed[0]);
    expect(Object.keys(table)).toEqual([...Object.keys(commands), 'help']);
    for (const [name, { load }] of Object.entries(commands)) {
      const all = Object.keys({ ...(await load()).options, ...commonOptions }).map((option) => `--${option}`);
      expect([...table[name].valued, ...table[name].flags].sort()).toEqual(all.sort());
    }
    expect(await refusal('completion', 'bsh')).toContain('did you mean "bash"?');
  });

  const has = (shell: string): boolean => {
    try {
      return execFileSync(shell, ['-c', 'echo there'], { encoding: 'utf8' }) === 'there\n';
    } catch {
      return false;
    }
  };
  const script = async (shell: string): Promise<string> => {
    await runCommand(['completion', shell]);
    return save(`completion.${shell}`, printed.at(-1) ?? '');
  };

  it.skipIf(!has('bash')).each([
    [['gui'], ['guidances']],
    [
      ['sample', '--guidance-scale'],
      ['--guidance-scale', '--guidance-scales'],
    ],
    [['sample', '--guidance', 'cfg+p'], ['cfg+pag']],
    [
      ['sample', '--scheduler', 'ddim'],
      ['ddim', 'ddim-inverse'],
    ],
    [['check', '--no'], ['--no-diagnosis']],
    [['guidances', 'sag'], ['sag']],
    [['bench', '--js'], ['--json']],
  ])('of %j in bash is %j', async (typed, expected) => {
    const line = ['pag', ...typed];
    const text = execFileSync(
      'bash',
      [
        '-c',
        `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pag; printf '%s\\n' "\${COMPREPLY[@]}"`,
        await script('bash'),
        ...line,
      ],
      { encoding: 'utf8' },
    );
    expect(text.trim().split('\n')).toEqual(expected);
  });

  it.skipIf(!has('fish')).each([
    ['gui', ['guidances']],
    ['sample --guidance cfg+p', ['cfg+pag']],
    ['check --no', ['--no-diagnosis']],
    ['guidances sag', ['sag']],
    ['bench --js', ['--json']],
  ])('of %j in fish is %j', async (typed, expected) => {
    const text = execFileSync(
      'fish',
      ['-N', '-c', 'source $argv[1]; complete -C $argv[2]', await script('fish'), `pag ${typed}`],
      {
        encoding: 'utf8',
      },
    );
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => line.split('\t')[0]),
    ).toEqual(expected);
  });

  it.skipIf(!has('zsh')).each([
    ['sample --guidance cfg+p', 'cfg+pag'],
    ['check --no', '--no-diagnosis'],
    ['guidances sag', 'sag'],
  ])('of %j in zsh is %j', async (typed, expected) => {
    // compadd shows what it is given, in place of completing: the widget runs outside a line editor.
    const text = execFileSync(
      'zsh',
      [
        '-fc',
        'compdef() {}; source $1; compadd() { print -l -- "$@" }; words=(pag $=2); CURRENT=$#words; _pag',
        'zsh',
        await script('zsh'),
        typed,
      ],
      { encoding: 'utf8' },
    );
    const last = typed.split(' ').at(-1) ?? '';
    expect(text.split('\n').filter((word) => word.startsWith(last))).toContain(expected);
  });
});
