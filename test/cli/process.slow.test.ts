import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../src/formats/safetensors.ts';
import { bundleTo } from './bundle.ts';
import { temporaryFolder, tiny } from './models.ts';
import { repeated } from '../thorough.ts';

const { path, save } = temporaryFolder();
// The cases lie beside it, as in the repository.
const bundle = bundleTo(path('src/cli/pag.mjs'));
symlinkSync(fileURLToPath(new URL('../../fixtures', import.meta.url)), path('fixtures'));
const command = (...args: string[]): string[] => [bundle, ...args];
const quick = (...args: string[]): string[] => [
  ...['sample', '--model', tiny, '--scheduler', 'ddim', '--steps', '2', '--count', '1'],
  ...args,
];

interface Ending {
  readonly status: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function pag(...args: string[]): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(process.execPath, command(...args), (error, stdout, stderr) =>
      resolve({ status: error ? (error.code ?? error.signal ?? null) : 0, stdout, stderr }),
    );
  });
}

/** Runs a line of the shell in which "$@" is pag with these arguments. */
function shell(line: string, ...args: string[]): string {
  return execFileSync('bash', ['-c', line, 'bash', process.execPath, ...command(...args)], { encoding: 'utf8' });
}

describe('the command pag', () => {
  it('ends with 0 and says on stdout what it did', async () => {
    const { status, stdout, stderr } = await pag(...quick('--out', path('a.png')));
    expect({ status, stderr, lines: stdout.split('\n').length }).toEqual({ status: 0, stderr: '', lines: 2 });
    expect(stdout).toContain(path('a.png'));
  });

  it.each<[string, string[]]>([
    ['an unknown command', ['sampel']],
    ['an unknown option', quick('--outt', 'x')],
    ['a file that is no model', ['sample', '--model', save('config.json', 'x'), '--out', path('x.png')]],
    [
      'a name that would break the line',
      ['forward', '--model', tiny, '--input', save('evil', '\x10\0\0\0\0\0\0\0{"a\\nb\\u001b":5}'), '--out', path('x')],
    ],
  ])('ends with 2 and one line on stderr for %s', async (_name, args) => {
    const { status, stdout, stderr } = await pag(...args);
    expect({ status, stdout, lines: stderr.split('\n').length }).toEqual({ status: 2, stdout: '', lines: 2 });
    expect(stderr).toMatch(/^pag: [^\p{Cc}]+\n$/u);
  });

  it('ends quietly when nobody reads on, and with 2 when its output is lost', () => {
    expect(shell('"$@" 2>&1 | head -1', 'guidances')).toMatch(/^none +no guidance\n$/);
    expect(shell('set -o pipefail; "$@" 2>&1 | true; echo "$?"', 'guidances')).toBe('0\n');
    expect(shell('"$@" 2>&1 > /dev/full; echo $?', 'guidances')).toBe(
      'pag: cannot write the output: ENOSPC: no space left on device, write\n2\n',
    );
  });

  it('writes all of it into a pipe that is read slowly', () => {
    // What is written meanwhile fills the pipe.
    const text = shell('"$@" | { head -c 1; sleep 0.5; cat; }', 'cases', '--json');
    expect(text.length).toBeGreaterThan(65536);
    expect(JSON.parse(text)).toMatchObject({
      cases: expect.arrayContaining([expect.objectContaining({ name: 'unets/tiny' })]),
    });
  });

  it('writes into pipes and devices', () => {
    expect(shell('"$@" 2>&1; echo $?', ...quick('--out', '/dev/full'))).toBe(
      'pag: cannot write /dev/full: the disk is full\n2\n',
    );
    const bytes = execFileSync('bash', [
      '-c',
      '"$@" 2>&1 > /dev/null | cat',
      'bash',
      process.execPath,
      ...command(...quick('--latents', '/dev/stderr')),
    ]);
    expect([...parseSafetensors(bytes, 'stderr').entries.keys()]).toEqual(['noise', 'step.0', 'step.1', 'sample']);
  });
});

describe('Ctrl-C', () => {
  const runs = repeated(50, 3);

  it(`at ${runs} moments of a run leaves the old files or the new ones, whole`, async () => {
    mkdirSync(path('interrupted'));
    const args = [
      'sample',
      '--model',
      tiny,
      '--steps',
      '10',
      '--count',
      '64',
      '--out',
      path('interrupted/x.png'),
      '--latents',
      path('interrupted/x.safetensors'),
    ];
    const started = performance.now();
    expect((await pag(...args)).status).toBe(0);
    let whole = performance.now() - started;
    const endings = new Set<string>();
    for (let run = 0; run < runs; run++) {
      const begun = performance.now();
      const child = spawn(process.execPath, command(...args), { stdio: 'ignore' });
      const ended = new Promise<string>((resolve) => {
        child.on('exit', (code, signal) => resolve(signal ?? String(code)));
      });
      setTimeout(() => child.kill('SIGINT'), whole * (0.3 + (0.8 * (run + Math.random())) / runs));
      const ending = await ended;
      endings.add(ending);
      // On a machine that was busy before, a run may take less time than was measured.
      if (ending === '0') whole = Math.min(whole, performance.now() - begun);
      expect(readdirSync(path('interrupted'))).toEqual(['x.png', 'x.safetensors']);
      expect(parseSafetensors(readFileSync(path('interrupted/x.safetensors')), 'x').entries.size).toBe(12);
      expect([...readFileSync(path('interrupted/x.png')).subarray(-8, -4)]).toEqual(
        [...'IEND'].map((c) => c.charCodeAt(0)),
      );
    }
    expect([...endings].filter((ending) => ending !== 'SIGINT' && ending !== '0')).toEqual([]);
    expect(endings).toContain('SIGINT');
  }, 900_000);

  it('of a run that has not ended leaves nothing', async () => {
    const child = spawn(
      process.execPath,
      command('sample', '--model', tiny, '--steps', '1000', '--count', '500', '--out', path('never.png')),
      { stdio: 'ignore' },
    );
    setTimeout(() => child.kill('SIGINT'), 1000);
    expect(
      await new Promise((resolve) => {
        child.on('exit', (_code, signal) => resolve(signal));
      }),
    ).toBe('SIGINT');
    expect(existsSync(path('never.png'))).toBe(false);
    expect(readdirSync(path('.')).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});

/** Runs pag on a terminal of its own, and gives what it wrote there. */
function onTerminal(...args: string[]): string {
  const line = ['stty cols 100;', process.execPath, ...command(...args)]
    .map((part) => (part.endsWith(';') ? part : `'${part}'`))
    .join(' ');
  return execFileSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8' });
}

describe('on a terminal', () => {
  /** What begins the commands of a terminal. */
  const control = '\u001b';

  it('a run shows its progress, and takes it away', () => {
    const shown = onTerminal(...quick('--out', path('t.png')));
    expect(shown).toContain('drawing [############············] 1/2');
    // The last line but the result is cleared.
    expect(shown.split(`\r${control}[K`).at(-1)).toMatch(/^1 sample of \[3, 8, 8\][^\r\n]*\r\n$/);
  });

  it("a preview is drawn over itself, and every line ends in the terminal's own colours", () => {
    const shown = onTerminal(...quick('--preview', '--out', path('t.png')));
    const lines = shown.split('\r\n').filter((line) => line.includes('▀'));
    expect(lines).toHaveLength(2 * 4);
    for (const line of lines) {
      expect(line.match(/▀/g)).toHaveLength(8);
      expect(line.endsWith(`${control}[0m`)).toBe(true);
    }
    expect(shown).toContain(`${control}[4A`);
  });

  it('nothing is shown where there is none', async () => {
    const { stdout, stderr } = await pag(...quick('--preview', '--out', path('t.png')));
    for (const sign of ['\r', control, '▀']) expect(stdout + stderr).not.toContain(sign);
  });
});
