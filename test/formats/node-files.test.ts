import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  checkWritable,
  checkWritableFolder,
  folderReader,
  makeFolder,
  placeOf,
  readBytes,
  uninterrupted,
  writeWhole,
} from '../../src/formats/node-files.ts';
import { bundled, printedWithPermission } from '../permission.ts';
import { thorough } from '../thorough.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag-files-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);
writeFileSync(path('file'), 'old');
const isRoot = process.getuid?.() === 0;
/** What a process of its own runs. */
const program = (contents: string): string =>
  bundled(contents, fileURLToPath(new URL('../../src/formats', import.meta.url)), 'node');

describe('reading a large file', () => {
  const size = 2 ** 26;
  const name = path('large');
  writeFileSync(name, '');
  truncateSync(name, size);
  const part = (start: number) => (file: { readInto(target: Uint8Array, start: number): void } | undefined) => {
    const target = new Uint8Array(3).fill(7);
    file?.readInto(target, start);
    return [...target];
  };

  it('is opened, and read in parts; a smaller one, or none, is not', async () => {
    const { open } = await folderReader(folder);
    const file = await open?.('large');
    expect([file?.size, part(5)(file)]).toEqual([size, [0, 0, 0]]);
    expect(() => part(size - 2)(file)).toThrow(`ends before byte ${size + 1}`);
    expect(await Promise.all(['file', 'absent', '.'].map((other) => open?.(other)))).toEqual(Array(3).fill(undefined));
  });

  it('refuses one that has changed since, or is gone', async () => {
    const file = await (await folderReader(folder)).open?.('large');
    writeFileSync(name, 'other');
    expect(() => part(0)(file)).toThrow('large has changed while it was in use; begin again');
    rmSync(name);
    expect(() => part(0)(file)).toThrow('there is no such file or folder');
  });
});

describe('reading', () => {
  it('gives the bytes', async () => {
    expect(new TextDecoder().decode(await readBytes(path('file')))).toBe('old');
    writeFileSync(path('empty'), '');
    expect(await readBytes(path('empty'))).toHaveLength(0);
  });

  it.each([
    ['nothing', 'absent', 'there is no such file or folder'],
    ['a folder', '.', 'it is a folder'],
    ['a file as a folder', 'file/x', 'a part of the path is not a folder'],
    ['a name that is too long', 'x'.repeat(300), 'the name is too long'],
    ['a name with a NUL', 'a\0b', 'this cannot be the name of a file'],
  ])('refuses %s', async (_name, name, reason) => {
    await expect(readBytes(path(name))).rejects.toThrow(
      expect.objectContaining({ name: 'InputError', message: expect.stringContaining(reason) }),
    );
  });

  it('refuses what may never end', async () => {
    execFileSync('mkfifo', [path('fifo')]);
    for (const name of ['/dev/zero', path('fifo')])
      await expect(readBytes(name)).rejects.toThrow(`cannot read ${name}: it is no regular file`);
  });

  it.skipIf(isRoot)('refuses what it may not read', async () => {
    writeFileSync(path('locked'), '');
    chmodSync(path('locked'), 0);
    await expect(readBytes(path('locked'))).rejects.toThrow('permission is denied');
  });

  it('of a folder gives nothing for a file that is not there, and refuses a folder that is not there', async () => {
    const read = await folderReader(folder);
    expect(await read('absent')).toBeUndefined();
    expect(await read('file')).toHaveLength(3);
    await expect(read('.')).rejects.toThrow('it is a folder');
    await expect(folderReader(path('absent'))).rejects.toThrow('there is no such file or folder');
    await expect(folderReader(path('file'))).rejects.toThrow('is not a folder');
  });

  it('of a part of a file takes that, and of a file that is too large nothing', async () => {
    writeFileSync(path('nonsense'), 'nonsense'.repeat(4));
    truncateSync(path('nonsense'), 3 * 2 ** 30);
    expect(new TextDecoder().decode(await readBytes(path('nonsense'), { first: 12 }))).toBe('nonsensenons');
    expect(await readBytes(path('file'), { first: 12, most: 3 })).toHaveLength(3);
    await expect(readBytes(path('nonsense'), { most: 100 })).rejects.toThrow(
      `${path('nonsense')} has 3221225472 bytes; at most 100 are read of a file of this kind`,
    );
    rmSync(path('nonsense'));
  });

  it('lists a folder, and says where a link leads to nothing', async () => {
    mkdirSync(path('linked/inner'), { recursive: true });
    symlinkSync('../blobs/absent', path('linked/config.json'));
    const read = await folderReader(path('linked'));
    expect(await read.list?.('')).toEqual(['config.json', 'inner']);
    expect(await read.list?.('absent')).toEqual([]);
    await expect(read('config.json')).rejects.toThrow(
      `${path('linked/config.json')} is a link to ../blobs/absent, which is missing; download the model again`,
    );
    await expect(folderReader(path('linked/absent.safetensors'))).rejects.toThrow('there is no such file or folder');
    // Where the core is installed alone: test/trust/parts.slow.test.ts.
    await expect(folderReader('node_modules/pag-reference-letters/fixtures/letters/model')).rejects.toThrow(
      'it is in a package of its own: npm install pag-reference-letters',
    );
    writeFileSync(path('model.ckpt'), '');
    await expect(folderReader(path('model.ckpt'))).rejects.toThrow(
      'model.ckpt is not a folder; a checkpoint of one file has no config: give the folder that',
    );
  });

  // It takes as much memory.
  it.skipIf(!thorough)('reads files of more than 2 GiB', async () => {
    writeFileSync(path('large'), 'x');
    truncateSync(path('large'), 2 ** 31 + 5);
    const bytes = await readBytes(path('large'));
    rmSync(path('large'));
    expect([bytes.length, bytes[0], bytes[1]]).toEqual([2 ** 31 + 5, 120, 0]);
  });
});

describe('writing', () => {
  it('makes a file, and replaces one, leaving nothing beside it', () => {
    mkdirSync(path('out'));
    for (const content of ['first', 'second: ε']) {
      writeWhole(path('out/file'), content);
      expect(readFileSync(path('out/file'), 'utf8')).toBe(content);
    }
    expect(readdirSync(path('out'))).toEqual(['file']);
  });

  it('goes through a link to where there is nothing yet, and through links of links and folders', () => {
    mkdirSync(path('far'));
    symlinkSync('far', path('near'));
    symlinkSync('near/new', path('first'));
    symlinkSync(path('first'), path('second'));
    checkWritable(path('second'));
    writeWhole(path('second'), Uint8Array.of(66));
    expect(readFileSync(path('far/new'), 'utf8')).toBe('B');
    for (const link of ['first', 'second']) expect(lstatSync(path(link)).isSymbolicLink()).toBe(true);
    symlinkSync('absent/new', path('nowhere'));
    expect(() => checkWritable(path('nowhere'))).toThrow('there is no folder');
    symlinkSync('circle', path('circle'));
    expect(() => writeWhole(path('circle'), Uint8Array.of(1))).toThrow('its links go round in circles');
  });

  it('keeps the mode of the file that was there, and gives a new one that of the umask', () => {
    for (const mode of [0o600, 0o755, 0o444]) {
      writeFileSync(path('moded'), 'old');
      chmodSync(path('moded'), mode);
      writeWhole(path('moded'), Uint8Array.of(67));
      expect(statSync(path('moded')).mode & 0o7777).toBe(mode);
      rmSync(path('moded'));
    }
    writeWhole(path('unmoded'), Uint8Array.of(67));
    expect(statSync(path('unmoded')).mode & 0o7777).toBe(0o666 & ~process.umask());
  });

  it('has one place for all names of a file', () => {
    symlinkSync('.', path('self'));
    for (const name of ['file', './file', 'self/file', 'self/self/../file'])
      expect(placeOf(`${folder}/${name}`)).toBe(placeOf(path('file')));
    expect(placeOf(path('absent/x'))).toBe(path('absent/x'));
    expect(placeOf(path('other'))).not.toBe(placeOf(path('file')));
  });

  it('goes through a link to the file that it names', () => {
    symlinkSync('file', path('link'));
    writeWhole(path('link'), Uint8Array.of(65));
    expect(lstatSync(path('link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(path('file'), 'utf8')).toBe('A');
  });

  it('writes into a device, and leaves it one', () => {
    checkWritable('/dev/null');
    writeWhole('/dev/null', Uint8Array.of(65));
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it.each([
    ['a full disk', '/dev/full', 'the disk is full', false],
    ['a folder', folder, 'it is a folder', true],
    ['a folder that is not there', path('absent/x'), `there is no folder ${path('absent')}`, true],
    ['a file as a folder', path('file/x'), 'a part of the path is not a folder', true],
    ['a name that is too long', path('x'.repeat(300)), 'the name is too long', true],
  ])('refuses %s', (_name, target, reason, isSeenBefore) => {
    expect(() => writeWhole(target, Uint8Array.of(1))).toThrow(`cannot write ${target}: ${reason}`);
    if (isSeenBefore) expect(() => checkWritable(target)).toThrow(`cannot write ${target}: ${reason}`);
  });

  it('knows before whether files can be written into a folder that is there, or may have to be made', () => {
    for (const name of ['', 'new', 'new/er']) checkWritableFolder(path(name));
    expect(readdirSync(folder)).not.toContain('new');
    expect(readdirSync(folder).filter((name) => name.startsWith('.pag-'))).toEqual([]);
    for (const name of ['file', 'file/x'])
      expect(() => checkWritableFolder(path(name))).toThrow(
        `cannot write ${path(name)}: a part of the path is not a folder`,
      );
  });

  it('makes folders, also where they are, but not where a file is', () => {
    for (let i = 0; i < 2; i++) makeFolder(path('deep/er'));
    expect(readdirSync(path('deep'))).toEqual(['er']);
    expect(() => makeFolder(path('file'))).toThrow(
      `cannot write ${path('file')}: a file of this name is there already`,
    );
    expect(() => makeFolder(path('file/x'))).toThrow('a part of the path is not a folder');
    makeFolder(path('climbing/../beside'));
    expect(statSync(path('beside')).isDirectory()).toBe(true);
  });

  it.skipIf(process.platform !== 'linux')('refuses at once where the system has no folders or files made', () => {
    expect(() => makeFolder('/proc/pag/deep')).toThrow('cannot write /proc/pag/deep');
    expect(() => checkWritable('/proc/a.png')).toThrow(/^cannot write /);
    for (const name of ['/proc', '/proc/pag']) expect(() => checkWritableFolder(name)).toThrow(/^cannot write /);
  });

  it('that fails half-way leaves the old file as it was, and nothing beside it', () => {
    mkdirSync(path('half'));
    writeWhole(path('half/file'), 'old');
    // A process of its own that may not make files of more than 4 KiB.
    const script = program(`import { writeWhole } from './node-files.ts';
      process.on('SIGXFSZ', () => {});
      try { writeWhole('${path('half/file')}', new Uint8Array(100_000)); }
      catch (error) { console.log(error.name + ': ' + error.message); }`);
    const said = execFileSync(
      'bash',
      ['-c', 'ulimit -f 4; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { encoding: 'utf8' },
    );
    expect(said).toBe(`InputError: cannot write ${path('half/file')}: the file would be too large\n`);
    expect(readdirSync(path('half'))).toEqual(['file']);
    expect(readFileSync(path('half/file'), 'utf8')).toBe('old');
  });
});

describe('Node with --permission', () => {
  const script = program(`import { readBytes, writeWhole } from './node-files.ts';
    for (const path of process.argv.slice(2)) {
      try {
        writeWhole(path, Uint8Array.of(1));
        console.log((await readBytes(path)).length);
      } catch (error) {
        console.log(error.name, error.message);
      }
    }`);

  it('writes where it may, and says why it may not elsewhere', () => {
    mkdirSync(path('allowed'));
    mkdirSync(path('forbidden'));
    const may = [`--allow-fs-read=${folder}`, `--allow-fs-write=${path('allowed')}`];
    const text = printedWithPermission(script, may, [path('allowed/x'), path('forbidden/x')]);
    const reason = 'Node was told not to (--permission)';
    expect(text).toBe(`1\nInputError cannot write ${path('forbidden/x')}: ${reason}\n`);
  });
});

describe('work that may not be interrupted', () => {
  it('is done before a signal is obeyed, which then ends the process as it would have', () => {
    const script = program(`import { uninterrupted } from './node-files.ts';
      import { writeFileSync } from 'node:fs';
      uninterrupted(() => {
        process.kill(process.pid, 'SIGINT');
        writeFileSync('${path('done')}', '');
      });
      setTimeout(() => {}, 10_000);`);
    expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' })).toThrow(
      expect.objectContaining({ signal: 'SIGINT' }),
    );
    expect(existsSync(path('done'))).toBe(true);
  });

  it('leaves no listener behind', async () => {
    // Rounds of the event loop, not milliseconds: these may have gone by in the test before, which stands still.
    const settled = async (): Promise<void> => {
      for (let round = 0; round < 4; round++)
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
    };
    await settled();
    const before = process.listenerCount('SIGINT');
    expect(uninterrupted(() => 5)).toBe(5);
    expect(() =>
      uninterrupted(() => {
        throw new Error('x');
      }),
    ).toThrow('x');
    await settled();
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});
