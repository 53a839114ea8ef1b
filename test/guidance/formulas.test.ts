/**
 * Every guidance on given predictions: against the papers' formulas in float64, which NumPy computed, and diffusers'
 * guiders in float32.
 */
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../src/formats/safetensors.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import { createGuidance, guidanceNames } from '../../src/guidance/registry/index.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { metadataOf, openGoldens } from '../goldens.ts';
import { context, stepOf } from './scene.ts';

interface Case {
  readonly name: string;
  readonly guidance: string;
  readonly parameters: ParameterValues;
  readonly steps: number;
}

const file = openGoldens('guidance/formulas.safetensors');
const { cases, timesteps } = metadataOf<{ readonly cases: readonly Case[]; readonly timesteps: readonly number[] }>(
  file,
  'formulas',
);

/** The guided predictions of one run. */
function run({ guidance, parameters, steps }: Case, dtype: DType): readonly Tensor[] {
  const created = createGuidance(guidance, parameters, context);
  const memory = new Map<object, Tensor>();
  return Array.from({ length: steps }, (_, index) => {
    const [given, nothing, other] = ['given', 'nothing', 'perturbed'].map((what) =>
      cast(readTensor(file, `${index}.${what}`), dtype),
    );
    return created.guide(
      stepOf({ given, nothing, other }, { index, count: timesteps.length, timestep: timesteps[index], memory }),
    );
  });
}

describe.each(['f32', 'f64'] as const)('the formulas in %s', (dtype) => {
  it.each(cases)('$name', (one) => {
    const problems = run(one, dtype).map((guided, i) => disagreement(guided, goldenOf(file, `${one.name}/${i}`)));
    expect(problems).toEqual(Array.from({ length: one.steps }, () => undefined));
  });
});

it('are there for all but none, what looks into a model or a classifier, and SoftPAG, which combines as PAG', () => {
  const covered = new Set(cases.map(({ guidance }) => guidance));
  const missing = guidanceNames.filter((name) => !covered.has(name));
  expect(missing, 'add its formula to scripts/goldens/guidance_formulas.py').toEqual([
    'none',
    'soft-pag',
    'classifier',
    'classifier+pag',
    'universal',
    'universal+pag',
    'sag',
  ]);
});
