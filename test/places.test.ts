/**
 * Where something new must appear although no type says so (CONTRIBUTING.md): in the tests that hold its kind to their
 * laws, in the README's figures, among the rooms. Whoever forgets one of these places is told here, by name.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { guidanceNames } from '../src/guidance/registry/index.ts';
import { referenceKernels } from '../src/kernels/plain/index.ts';
import { kinds } from '../src/kernels/operations/index.ts';
import * as perturbations from '../src/nn/attention-perturbations/index.ts';
import { schedulerNames } from '../src/schedulers/registry.ts';

const textOf = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const missingFrom = (text: string, names: readonly string[], shownAs: (name: string) => RegExp): readonly string[] =>
  names.filter((name) => !shownAs(name).test(text));

describe('an operation', () => {
  it('is held to its definition on random inputs', () => {
    const laws = textOf('test/kernels/laws/held-to-definition.ts');
    expect(missingFrom(laws, Object.keys(referenceKernels), (name) => new RegExp(`\\b\\w+\\.${name}\\(`))).toEqual([]);
  });

  it('obeys the laws of every kernel; products that are others put together obey them through those', () => {
    const laws = textOf('test/kernels/laws/every-kernel.ts');
    const own = kinds.filter((kind) => kind !== 'upsampleConv2d');
    expect(missingFrom(laws, own, (name) => new RegExp(`\\b\\w+\\.${name}\\(`))).toEqual([]);
  });
});

describe('a perturbation of attention', () => {
  const names = Object.keys(perturbations);
  const used = (name: string): RegExp => new RegExp(`\\b${name}\\b`);

  it('is held to the laws of all', () => {
    const tests = textOf('test/nn/attention-perturbations.test.ts');
    const table = tests.slice(tests.indexOf('const all'), tests.indexOf('];', tests.indexOf('const all')));
    // Leaving the layer out mixes nothing; what it does stands in a test of its own.
    expect(missingFrom(table, names, used)).toEqual(['skip']);
    expect(tests).toMatch(/\bskip\b/);
  });

  it('can be asked for: by --perturbation, or by a guidance of its own', () => {
    const asked = ['src/guidance/registry/perturbed.ts', 'src/guidance/soft-pag.ts', 'src/guidance/seg.ts'];
    expect(missingFrom(asked.map(textOf).join('\n'), names, used)).toEqual([]);
  });
});

describe('a guidance', () => {
  const folder = new URL('../src/guidance/', import.meta.url);
  const text = readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n');

  it('has a row of checks for its options, and refuses those that it does not know', () => {
    const options = [...text.matchAll(/export (?:interface|type) (\w+Options|Interval)\b/g)].map(([, name]) => name);
    expect(options.length).toBeGreaterThan(10);
    expect(missingFrom(text, options, (name) => new RegExp(`: Checks<${name}> = `))).toEqual([]);
    const makers = [...text.matchAll(/export function \w+\([^)]*?(\w+)\??: (?:\w+Options|Interval)[,)].*?^}/gms)];
    expect(makers.length).toBeGreaterThan(10);
    const unchecked = makers.filter(([body, given]) => !new RegExp(`checkOptions\\('\\w+', ${given}, `).test(body));
    expect(unchecked.map(([body]) => body.split('\n')[0])).toEqual([]);
  });
});

describe('a scheduler', () => {
  const shown = (name: string): RegExp =>
    new RegExp(name.replace('Scheduler', '').replace('Discrete', '(?:Discrete)?'));

  it('has an order of convergence, unless it adds noise, or goes the other way', () => {
    expect(missingFrom(textOf('test/schedulers/convergence.test.ts'), schedulerNames, shown)).toEqual([
      'DDPMScheduler',
      'DDIMInverseScheduler',
      'EulerAncestralDiscreteScheduler',
      'KDPM2AncestralDiscreteScheduler',
      'LCMScheduler',
      'TCDScheduler',
    ]);
  });
});

describe('the README', () => {
  it('says how many schedulers and guidances there are', () => {
    const said = /(\d+) schedulers over\s+\d+ runs, (\d+) guidances/.exec(textOf('README.md'));
    expect(said?.slice(1).map(Number)).toEqual([schedulerNames.length, guidanceNames.length]);
  });
});

describe('a family of models', () => {
  const families = readdirSync(new URL('../src/models', import.meta.url), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

  it('is a room of its own, with goldens and laws', () => {
    const rooms = textOf('test/rooms.test.ts');
    for (const family of families) {
      expect(rooms).toContain(`'models/${family}'`);
      for (const kind of ['goldens', 'laws']) {
        const test = `test/models/${family}/${kind}.test.ts`;
        expect(existsSync(new URL(`../${test}`, import.meta.url)), test).toBe(true);
      }
    }
  });
});
