/**
 * Every guidance on the letters model, step by step, against PyTorch with its attention written out and the formulas in
 * NumPy.
 */
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { createGuidance, guidanceNames } from '../../src/guidance/registry/index.ts';
import type { Guidance } from '../../src/guidance/guidance.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { fixture, metadataOf, openGoldens } from '../goldens.ts';
import {
  count,
  leadingThrough,
  lettersContext,
  lettersDenoiser,
  lettersScheduler,
  lettersUNet,
  remembering,
  stepsOf,
  trajectory,
  weakUNet,
} from './letters.ts';
import { dtypesOfLarge, firstOf } from '../thorough.ts';

const names = readdirSync(fixture('goldens/guidance/letters'))
  .map((name) => name.replace('.safetensors', ''))
  .filter((name) => name !== 'trajectory');
const files = new Map(names.map((name) => [name, openGoldens(`guidance/letters/${name}.safetensors`)]));
const caseOf = (name: string) =>
  metadataOf<{ readonly guidance: string; readonly parameters: ParameterValues }>(files.get(name)!, 'case');

function create(name: string): Guidance {
  const { guidance, parameters } = caseOf(name);
  return createGuidance(guidance, parameters, lettersContext(f32, !('weakLayers' in parameters)));
}

const f32 = lettersUNet('f32');
const f64 = lettersUNet('f64');
const fast = simdBackend();
afterAll(() => fast.dispose());
const single = lettersDenoiser(f32, fast, weakUNet('f32'));
const double = lettersDenoiser(f64, referenceBackend(), weakUNet('f64'));

it('are all there', () => {
  // The letters model has no text to be asked; test/guidance/cross.test.ts has those that ask one, and
  // classifier.slow.test.ts and universal.slow.test.ts those that a classifier pulls.
  const elsewhere = ['nag', 'pladis', 'classifier', 'classifier+pag', 'universal', 'universal+pag'];
  const found = new Set([...names.map((name) => caseOf(name).guidance), ...elsewhere]);
  expect(found, 'add its runs to scripts/goldens/guidance_letters.py').toEqual(new Set(guidanceNames));
});

const remembered = { f32: remembering(single), f64: remembering(double) };

describe.each(dtypesOfLarge)('each step by itself, in %s', (dtype) => {
  const steps = dtype === 'f32' ? count : 2;
  const pictures = trajectory(dtype);
  it.each(names)('%s', (name) => {
    const found = stepsOf(
      remembered[dtype],
      create(name),
      leadingThrough(pictures, lettersScheduler()),
      pictures[0],
      steps,
    );
    const problems = found.map(({ guided }, i) => disagreement(guided, goldenOf(files.get(name)!, `guided.${i}`)));
    expect(problems).toEqual(found.map(() => undefined));
  });
});

describe('a whole run, in f32', () => {
  // All runs begin with the picture with which the trajectory begins.
  const [first] = lettersScheduler().timesteps;
  const denoiser: Denoiser = {
    predict: (sample, timestep, passes) =>
      (timestep === first ? remembered.f32 : single).predict(sample, timestep, passes),
  };
  it.each(firstOf(names, 4))('%s', (name) => {
    const found = stepsOf(denoiser, create(name), lettersScheduler(), trajectory('f32')[0]);
    const last = [count - 2, count - 1];
    const problems = last.map((i) => disagreement(found[i].sample, goldenOf(files.get(name)!, `chain.${i}`)));
    expect(problems).toEqual(last.map(() => undefined));
  });
});
