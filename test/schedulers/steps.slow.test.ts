/**
 * The steps of a run: those of the user's own, as diffusers takes and refuses them (scripts/goldens/steps.py), and how
 * many there are where diffusers makes another number.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { churned } from '../../src/schedulers/churn.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, schedulers, type SchedulerChoices } from '../../src/schedulers/registry.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { readGoldens } from '../tensor/goldens.ts';
import { expectRun, type Case } from './golden-runs.ts';

const jsonOf = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../fixtures/goldens/steps/${name}`, import.meta.url), 'utf8'));

describe('runs with steps or churn of their own', () => {
  const { metadata, tensors } = readGoldens('steps/own.safetensors');
  const cases = JSON.parse(metadata['cases']) as (Case & { readonly class: string })[];

  it('are there for every class that takes some', () => {
    const taking = Object.entries(schedulers).filter(([, { own, churns }]) => own || churns);
    const found = [...new Set(cases.map((one) => one.class))].sort();
    expect(found, 'add its runs to scripts/goldens/steps.py').toEqual(taking.map(([name]) => name).sort());
  });

  it.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
    expectRun(one.class, one, tensors);
  });
});

const asked: Readonly<Record<string, readonly [choices: SchedulerChoices, steps?: number]>> = {
  timesteps: [{ timesteps: [999, 500, 20] }],
  rising: [{ timesteps: [20, 500, 999] }],
  beyond: [{ timesteps: [1000, 500] }],
  sigmas: [{ sigmas: [0.9, 0.5, 0.1] }],
  both: [{ timesteps: [999, 500, 20], sigmas: [0.9, 0.5, 0.1] }],
  'with steps': [{ timesteps: [999, 500, 20] }, 5],
};

type Row = Readonly<Record<string, string>> & { readonly class: string; readonly config: Config };

/** What diffusers takes and this library refuses, and why. */
const refusedHere = ({ class: name, config }: Row, what: string): RegExp | undefined => {
  // The flow's own timesteps take the place of those that were given.
  if (name === 'DPMSolverSinglestepScheduler' && config['use_flow_sigmas'] === true)
    return /timesteps and use_flow_sigmas exclude one another/;
  // Karras' σ are spaced between the first and the last of those that were given, which change places.
  if (name === 'UniPCMultistepScheduler' && config['use_karras_sigmas'] === true)
    return /sigmas and use_karras_sigmas exclude one/;
  // σ at a timestep that the training has not is that of its last.
  if (what === 'beyond' && !name.startsWith('Flow')) return /expected (whole )?numbers from 0 to 999, those of the tr/;
  return undefined;
};

describe('steps of the user’s own are taken and refused as in diffusers', () => {
  const rows = jsonOf('acceptance.json') as Row[];

  it.each(rows.map((row) => [`${row.class} ${JSON.stringify(row.config)}`, row] as const))('%s', (_, row) => {
    for (const [what, [choices, steps]] of Object.entries(asked)) {
      const create = () => createScheduler({ _class_name: row.class, ...row.config }, steps, choices);
      const reason = refusedHere(row, what);
      if (row[what] !== 'taken') expect(create, what).toThrow(InputError);
      else if (reason) expect(create, what).toThrow(reason);
      else expect(create, what).not.toThrow();
    }
  });
});

describe('where diffusers makes another number of timesteps than asked for, or one of them twice', () => {
  const rows = jsonOf('tables.json') as (Row & {
    readonly 'other number': number[];
    readonly 'their last': number[];
    readonly 'one twice': number[];
  })[];
  const twoCalls = [
    'HeunDiscreteScheduler',
    'KDPM2DiscreteScheduler',
    'KDPM2AncestralDiscreteScheduler',
    'DPMSolverSDEScheduler',
  ];

  it('the table has 62 numbers of trailing steps, whose last timestep is −1, and T of T steps of the solvers', () => {
    for (const row of rows) {
      const isTrailing = row.config['timestep_spacing'] === 'trailing';
      expect(row['other number']).toHaveLength(isTrailing ? 62 : 0);
      expect(row['their last']).toEqual(isTrailing ? [-1] : []);
      expect(row['one twice']).toEqual(isTrailing ? [] : [1000]);
    }
  });

  it.each(rows.map((row) => [`${row.class} ${JSON.stringify(row.config)}`, row] as const))(
    '%s: this library makes as many as are asked for, falling, from 0 on',
    (_, row) => {
      for (const steps of [...row['other number'], ...row['one twice'], 60, 62, 999]) {
        const { timesteps } = createScheduler({ _class_name: row.class, ...row.config }, steps);
        const direction = row.class === 'DDIMInverseScheduler' ? -1 : 1;
        const own = twoCalls.includes(row.class) ? timesteps.filter((__, i) => i % 2 === 0) : timesteps;
        // The warm-up of PNDM calls the model twice at its second timestep.
        const calls = row.class === 'PNDMScheduler' ? own.filter((t, i) => t !== own[i - 1]) : own;
        expect(calls, `${steps} steps`).toHaveLength(steps);
        expect(calls.every((t, i) => t >= 0 && (i === 0 || direction * (calls[i - 1] - t) > 0))).toBe(true);
      }
    },
  );
});

describe('what is no step of one’s own, and no churn', () => {
  const refused: readonly (readonly [
    name: string,
    choices: SchedulerChoices,
    reason: string | RegExp,
    steps?: number,
  ])[] = [
    ['DDIM', { timesteps: [1, 0] }, 'DDIMScheduler takes no timesteps of your own, as in diffusers'],
    ['DDPM', { sigmas: [1, 0] }, 'DDPMScheduler takes no sigmas of your own, as in diffusers; it takes timesteps'],
    ['DDPM', { timesteps: [500, 500] }, 'DDPMScheduler: timesteps has 500 after 500; expected them to fall'],
    [
      'DDPM',
      { timesteps: [999, 0.5] },
      'timesteps has 0.5; expected whole numbers from 0 to 999, those of the training',
    ],
    ['LCM', { timesteps: [999, -1] }, 'timesteps has -1; expected whole numbers from 0 to 999'],
    ['TCD', { timesteps: [20, 500] }, 'timesteps has 500 after 20; expected them to fall'],
    ['Heun', { timesteps: [] }, 'timesteps is no list of finite numbers with at least one of them'],
    ['EulerDiscrete', { timesteps: [NaN] }, 'timesteps is no list of finite numbers'],
    ['EulerDiscrete', { timesteps: 5 as unknown as number[] }, 'timesteps is no list of finite numbers'],
    [
      'EulerDiscrete',
      { sigmas: [3] },
      'sigmas has 1 number, that of the result; expected σ of a step before it, as 14.6,0',
    ],
    [
      'EulerDiscrete',
      { sigmas: [3, 0, 0] },
      'with sigmas of your own σ is 0 at call 1 of the model; expected a number above 0',
    ],
    ['EulerDiscrete', { sigmas: [3, 1, -1] }, 'sigmas ends with -1; expected the σ of the result, from 0'],
    [
      'EulerDiscrete',
      { timesteps: [9, 5] },
      '3 steps are asked for, but timesteps says 2; leave the number of steps out',
      3,
    ],
    ['EulerDiscrete', {}, 'undefined steps are asked for'],
    ['DPMSolverMultistep', { timesteps: [500, 500, 3] }, 'calls 0 and 1 of the model have one noise level'],
    ['FlowMatchEulerDiscrete', { sigmas: [1.5] }, 'sigmas has 1.5; expected σ of a flow, from 0 to 1'],
    [
      'FlowMatchEulerDiscrete',
      { timesteps: [9], sigmas: [1, 0.5] },
      'there are 1 timesteps and 2 sigmas; expected as many',
    ],
    ['EulerDiscrete', { sChurn: -1 }, 'sChurn is -1; expected a finite number from 0', 5],
    ['EulerDiscrete', { sNoise: Infinity }, 'sNoise is Infinity; expected a finite number from 0', 5],
    ['EDMEuler', { sTmin: 2, sTmax: 1 }, 'sTmax is 1; expected a finite number from 2', 5],
    ['DPMSolverSDE', { sChurn: 1 }, 'has no sChurn, but 1 is given; it adds noise in every step, times sNoise', 5],
    ['FlowMatchEulerDiscrete', { sChurn: 1 }, 'has no sChurn, but 1 is given; it adds no noise on the way down', 5],
  ];

  const rows = refused.map(([name, choices, reason, steps]) => ({ name, choices, reason, steps }));
  it.each(rows)('$name: $choices', ({ name, choices, reason, steps }) => {
    const _class_name = `${name.replace('Heun', 'HeunDiscrete')}Scheduler`;
    expect(() => createScheduler({ _class_name }, steps, choices)).toThrow(InputError);
    expect(() => createScheduler({ _class_name }, steps, choices)).toThrow(reason);
  });
});

describe('churn', () => {
  const x = tensor('f64', [1], Float64Array.of(2));
  const z = tensor('f64', [1], Float64Array.of(-0.5));
  const run = (sigma: number, churn: Parameters<typeof churned>[2]) => churned(x, sigma, churn, 10, () => z);

  it('raises σ by S_churn/N, at most by √2 − 1, and adds the noise that is missing', () => {
    for (const [sChurn, gamma] of [
      [1, 0.1],
      [100, Math.SQRT2 - 1],
    ] as const) {
      const { x: noised, sigma } = run(3, { sChurn, sNoise: 2 });
      expect(sigma).toBeCloseTo(3 * (1 + gamma), 14);
      expect(noised.data[0]).toBeCloseTo(2 - 0.5 * 2 * 3 * Math.sqrt((1 + gamma) ** 2 - 1), 13);
    }
  });

  it('is none outside [S_tmin, S_tmax], and asks for no noise there', () => {
    const silent = (): Tensor => expect.fail('noise was asked for');
    for (const sigma of [0.9, 5.1])
      expect(churned(x, sigma, { sChurn: 1, sTmin: 1, sTmax: 5 }, 10, silent)).toEqual({ x, sigma });
    for (const sigma of [1, 5]) expect(run(sigma, { sChurn: 1, sTmin: 1, sTmax: 5 }).sigma).toBeGreaterThan(sigma);
    expect(churned(x, 1, {}, 10, silent)).toEqual({ x, sigma: 1 });
  });
});

it('the inverse DPM solver makes every step, also where two σ round to one timestep: diffusers leaves one out', () => {
  const config = { use_karras_sigmas: true, beta_schedule: 'squaredcos_cap_v2' };
  const { timesteps, levelAt } = createScheduler({ _class_name: 'DPMSolverMultistepInverseScheduler', ...config }, 6);
  expect(timesteps).toEqual([0, 837, 993, 998, 999, 999]);
  const noises = timesteps.map((_, index) => levelAt(index).noise / levelAt(index).signal);
  expect(noises).toEqual([...new Set(noises)].sort((a, b) => a - b));
});
