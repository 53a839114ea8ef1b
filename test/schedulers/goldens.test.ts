/** Whole runs against diffusers (scripts/goldens/schedulers.py), and the keys of every class. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { schedulerDefaults, schedulerNames } from '../../src/schedulers/registry.ts';
import { readGoldens } from '../tensor/goldens.ts';
import { expectRun, type Case } from './golden-runs.ts';

describe.each(schedulerNames)('%s', (className) => {
  const { metadata, tensors } = readGoldens(`schedulers/${className}.safetensors`);
  const cases = JSON.parse(metadata['cases']) as Case[];

  it('has at least four runs, of even and of odd length', () => {
    expect(cases.length).toBeGreaterThanOrEqual(4);
    expect(new Set(cases.map(({ steps }) => Number(steps) % 2))).toEqual(new Set([0, 1]));
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    expectRun(className, one, tensors);
  });
});

it('every class has the keys of diffusers, with its defaults', () => {
  const url = new URL('../../fixtures/goldens/schedulers/defaults.json', import.meta.url);
  const theirs = JSON.parse(readFileSync(url, 'utf8')) as Record<string, Record<string, unknown>>;
  expect(Object.keys(theirs).sort()).toEqual([...schedulerNames].sort());
  for (const name of schedulerNames) {
    const ours = Object.fromEntries(
      Object.entries(schedulerDefaults(name)).map(([key, value]) => [key, value === -Infinity ? '-inf' : value]),
    );
    expect(ours, name).toEqual(theirs[name]);
  }
});
