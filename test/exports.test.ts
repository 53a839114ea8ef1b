/**
 * What the library offers can be imported: everything that a registry knows, everything that makes a guidance, a mixer,
 * a backend or an architecture, and every type that a signature mentions. And it is documented.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as index from '../src/index.ts';
import { guidances } from '../src/guidance/registry/index.ts';
import { kinds, operations } from '../src/kernels/operations/index.ts';
import { bank } from '../src/oracle/faults/bank.ts';
import type { Fault } from '../src/oracle/faults/fault.ts';
import { schedulers } from '../src/schedulers/registry.ts';
import { openSources, type Declaration } from './declarations.ts';

/** The rooms of src/index.ts, in its order. */
const rooms = [
  'tensor',
  'kernels',
  'nn',
  'models',
  'schedulers',
  'guidance',
  'sampling',
  'restoration',
  'off-thread',
  'formats',
  'pipelines',
  'training',
  'oracle',
  'evaluation',
];
/** What is begun by itself, and imported by nobody. */
const entries = [
  'src/index.ts',
  'src/node.ts',
  'src/off-thread/worker.ts',
  'src/cli/main.ts',
  'src/cli/start.ts',
  'src/walkthrough/main.ts',
  'src/walkthrough/worker.ts',
  'src/walkthrough/training/worker.ts',
];

const sources = openSources(process.cwd());
afterAll(() => sources.close());
const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((name) => join('src', name))
  .filter((name) => name.endsWith('.ts'))
  .sort();
/** What each file declares itself and exports. */
const declared: readonly Declaration[] = files.flatMap((file) =>
  [...sources.exportsOf(file).values()].filter((declaration) => declaration.file === file),
);
const offered: readonly Declaration[] = ['src/index.ts', 'src/node.ts'].flatMap((entry) => [
  ...sources.exportsOf(entry).values(),
]);
const placeOf = ({ file, name }: { readonly file: string; readonly name: string }): string => `${file}: ${name}`;
const offeredPlaces = new Set(offered.map(placeOf));
const everything: Readonly<Record<string, unknown>> = { ...index };

/** `cfgZeroStar` for cfg-zero-star, `cfgPag` for cfg+pag. */
const inCamelCase = (name: string): string => name.replace(/[-+](\w)/g, (_, letter: string) => letter.toUpperCase());

describe('what a program imports', () => {
  it.each<[string, string, (declaration: Declaration) => boolean]>([
    ['guidance', 'src/guidance', ({ type }) => type === 'Guidance'],
    ['way to mix tokens', 'src/nn', ({ type = '' }) => /Mixer$/.test(type)],
    // Those with SIMD are made by `backendOf`, each of other parts.
    ['backend', 'src/kernels', ({ type, name }) => type === 'Backend' && name !== 'backendOf'],
    ['architecture', 'src/models', ({ type = '' }) => /^\w*Architecture\b/.test(type)],
    ['reader of a config and maker of a model', 'src/models', ({ name }) => /^(?:create|parse)[A-Z]/.test(name)],
    ['measurement', 'src/restoration', ({ type }) => type === 'Measurement'],
    ['formula of a scheduler', 'src/schedulers', ({ name, type }) => name.endsWith('Step') && type === 'Tensor'],
  ])('has every %s that is made in %s', (_what, room, isOne) => {
    const made = declared.filter((declaration) => declaration.file.startsWith(`${room}/`) && isOne(declaration));
    expect(made).not.toEqual([]);
    const missing = made.map(placeOf).filter((place) => !offeredPlaces.has(place));
    expect(missing, 'pass it on in src/index.ts').toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    ['entry of a scheduler', 'src/schedulers', /^SchedulerEntry$/],
    ['guidance', 'src/guidance', /^Guidance$/],
  ])('has a registry that knows every %s that is made in %s', (_what, room, kind) => {
    // A registry, or what is in one: whatever makes one is imported somewhere in its room.
    const imported = files
      .filter((file) => file.startsWith(`${room}/`))
      .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^import \{([^}]*)\} from/gm)])
      .flatMap(([, names]) => names.split(',').map((name) => name.trim()));
    const makers = declared.filter(({ file, name, type = '' }) => {
      return file.startsWith(`${room}/`) && kind.test(type) && !name.startsWith('create');
    });
    expect(makers.length).toBeGreaterThan(10);
    const unknown = makers.filter(({ name }) => !imported.includes(name)).map(placeOf);
    expect(unknown, `add it to the registry in ${room}`).toEqual([]);
  });

  it('has every guidance of the registry under its name', () => {
    const missing = Object.keys(guidances).filter((name) => !(inCamelCase(name) in everything));
    expect(missing, 'pass it on in src/index.ts, in camel case').toEqual([]);
    expect(index.guidances).toBe(guidances);
  });

  it('has the registry of schedulers, each under its name, and makes each of them', () => {
    expect(index.schedulers).toBe(schedulers);
    for (const [name, entry] of Object.entries(schedulers)) {
      expect(everything[name], `pass ${name} on in src/index.ts`).toBe(entry);
      expect(index.createScheduler({ _class_name: name }, 10).name).toBe(name);
      expect(index.createSchedulerOf(entry, {}, 10).name).toBe(name);
    }
  });

  it('has an entry for every scheduler that is made', () => {
    const inRoom = files.filter((file) => file.startsWith('src/schedulers/')).map((file) => readFileSync(file, 'utf8'));
    const makers = declared.filter(
      ({ file, type = '' }) => file.startsWith('src/schedulers/') && /^Scheduler</.test(type),
    );
    expect(makers.length).toBeGreaterThan(10);
    // Called by an entry, or on the way from one: not only declared.
    const called = ({ name }: Declaration) =>
      inRoom.some((text) => new RegExp(`(?<!function )\\b${name}\\(`).test(text));
    const without = makers.filter((maker) => !called(maker)).map(placeOf);
    expect(without, 'declare a SchedulerEntry that creates it').toEqual([]);
  });

  it('has the table of operations, and a kernel for each', () => {
    expect(index.operations).toBe(operations);
    expect(index.operationKinds).toEqual(Object.keys(operations));
    for (const kind of kinds) expect(index.referenceKernels[kind], kind).toBeTypeOf('function');
  });

  it('has the bank of faults, with those of every file', async () => {
    expect(index.faultBank).toBe(bank);
    const lists = declared.filter(
      ({ file, type }) => file.startsWith('src/oracle/faults/') && type === 'readonly Fault[]',
    );
    expect(lists.length).toBeGreaterThan(1);
    for (const { file, name } of lists) {
      const module = (await import(/* @vite-ignore */ join('..', file))) as Readonly<Record<string, readonly Fault[]>>;
      const lost = module[name].filter((fault) => !bank.includes(fault)).map((fault) => fault.name);
      expect(lost, `faults of ${file} that the bank does not have`).toEqual([]);
    }
  });

  it('has every type that a signature of it mentions', () => {
    const missing = offered.flatMap(({ name, mentions }) =>
      mentions
        .filter((mention) => !offeredPlaces.has(placeOf(mention)))
        .map((mention) => `${placeOf(mention)}, mentioned by ${name}`),
    );
    expect([...new Set(missing)], 'pass it on in src/index.ts').toEqual([]);
  });

  it('shows the type of every constant and of every result', () => {
    const untyped = offered.filter(({ isTyped }) => !isTyped).map(placeOf);
    expect(untyped, 'write its type down').toEqual([]);
  });

  it('is passed on by name, room by room', () => {
    const text = readFileSync('src/index.ts', 'utf8');
    expect(text).not.toContain('export *');
    const order = [...text.matchAll(/ from '\.\/([\w-]+)\//g)].map(([, room]) => rooms.indexOf(room));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order)).toEqual(new Set(rooms.keys()));
  });
});

describe('the sources', () => {
  it('document every declaration that they export, right before it', () => {
    const undocumented = declared.filter(({ comment }) => comment === '');
    const byFile = new Map<string, string[]>();
    for (const { file, line, name } of undocumented)
      byFile.set(file, [...(byFile.get(file) ?? []), `${name} (line ${line})`]);
    const places = [...byFile].map(([file, names]) => `${file}: ${names.join(', ')}`);
    expect(places, 'say in a comment before it what it is').toEqual([]);
  });

  it('have no file that nobody imports', () => {
    const reached = new Set<string>();
    const visit = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const [, name] of readFileSync(file, 'utf8').matchAll(/['"](\.[^'"]*\.ts)['"]/g))
        visit(normalize(join(dirname(file), name)));
    };
    for (const entry of entries) visit(entry);
    const unreached = files.filter((file) => !reached.has(file));
    expect(unreached, 'import it where its kind is registered, or pass it on in src/index.ts').toEqual([]);
  });
});
