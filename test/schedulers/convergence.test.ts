/** Order of convergence: how the error falls with the number of steps, on data whose ODE has a closed form. Float64. */
import { describe, expect, it } from 'vitest';
import { errorAfter, orderOf, type Experiment } from './gaussian.ts';

const karras = { use_karras_sigmas: true };
const named = (
  name: string,
  config: Record<string, unknown> = {},
  more: Omit<Experiment, 'config'> = {},
): Experiment => ({
  config: { _class_name: `${name}Scheduler`, ...config },
  ...more,
});
const multistep = (name: string, order: number, config: Record<string, unknown> = {}): Experiment =>
  named(name, { ...karras, ...config, solver_order: order }, { exactStart: order - 1 });
const ofNoise = { algorithm_type: 'dpmsolver', final_sigmas_type: 'sigma_min' };
/** Karras' last σ is σ_min itself, and from there a step of higher order has nowhere to go; it is not measured. */
const eulerAtFinal = { euler_at_final: true };
const uncorrected = { disable_corrector: Array.from({ length: 400 }, (_, i) => i) };

/** The order that the method has, and the experiment. */
const experiments: Readonly<Record<string, readonly [order: number, experiment: Experiment]>> = {
  DDIM: [1, named('DDIM', { clip_sample: false })],
  Euler: [1, named('EulerDiscrete', karras)],
  'EDM Euler': [1, named('EDMEuler')],
  'flow-match Heun': [2, named('FlowMatchHeunDiscrete', {}, { callsPerStep: 2 })],
  'flow-match Euler': [1, named('FlowMatchEulerDiscrete')],
  IPNDM: [2, named('IPNDM', {}, { exactStart: 3 })],
  Heun: [2, named('HeunDiscrete', karras, { callsPerStep: 2 })],
  KDPM2: [2, named('KDPM2Discrete', karras, { callsPerStep: 2 })],
  LMS: [4, named('LMSDiscrete', karras, { exactStart: 3 })],
  ...Object.fromEntries(
    [1, 2, 3].flatMap((order) => [
      [`DEIS ${order}`, [order, multistep('DEISMultistep', order)]],
      [`UniPC ${order}, predictor only`, [order, multistep('UniPCMultistep', order, uncorrected)]],
      // The corrector raises the order by one (arXiv 2302.04867).
      [`UniPC ${order}, bh1`, [order + 1, multistep('UniPCMultistep', order, { solver_type: 'bh1' })]],
      [`UniPC ${order}, bh2`, [order + 1, multistep('UniPCMultistep', order, { solver_type: 'bh2' })]],
      ...['midpoint', 'heun'].flatMap((solver_type) => [
        [
          `DPM-Solver++ singlestep ${order}, ${solver_type}`,
          [order, named('DPMSolverSinglestep', { ...karras, solver_order: order, solver_type })],
        ],
        [
          `DPM-Solver singlestep ${order}, ${solver_type}`,
          [order, named('DPMSolverSinglestep', { ...karras, ...ofNoise, solver_order: order, solver_type })],
        ],
      ]),
    ]),
  ),
  ...Object.fromEntries(
    [1, 2].flatMap((order) => [
      [
        `EDM DPM-Solver++ ${order}`,
        [order, named('EDMDPMSolverMultistep', { solver_order: order }, { exactStart: order - 1 })],
      ],
      [
        `UniPC ${order}, bh2, of the noise`,
        [order + 1, multistep('UniPCMultistep', order, { predict_x0: false, final_sigmas_type: 'sigma_min' })],
      ],
      [
        `DPM-Solver++ backwards ${order}`,
        [order, multistep('DPMSolverMultistepInverse', order, { lower_order_final: false })],
      ],
      ...['midpoint', 'heun'].flatMap((solver_type) => [
        [`DPM-Solver++ ${order}, ${solver_type}`, [order, multistep('DPMSolverMultistep', order, { solver_type })]],
        [
          `DPM-Solver ${order}, ${solver_type}`,
          [order, multistep('DPMSolverMultistep', order, { ...ofNoise, ...eulerAtFinal, solver_type })],
        ],
      ]),
    ]),
  ),
  // Its second derivative lacks a factor of 2, in diffusers as in the authors' code. With it the slope is 3.
  'DPM-Solver++ 3, of second order as published': [2, multistep('DPMSolverMultistep', 3)],
  'DPM-Solver 3, of second order as published': [
    2,
    multistep('DPMSolverMultistep', 3, { ...ofNoise, ...eulerAtFinal }),
  ],
  'EDM DPM-Solver++ 3, of second order as published': [
    2,
    named('EDMDPMSolverMultistep', { solver_order: 3 }, { exactStart: 2 }),
  ],
};

describe('the error falls like steps to the power of minus the order', () => {
  it.each(Object.entries(experiments))('%s', (_, [order, experiment]) => {
    const points = [72, 144, 288].map((steps) => [steps, errorAfter(experiment, steps)] as const);
    expect(points[2][1]).toBeGreaterThan(1e-12); // above the roundings
    expect(Math.abs(orderOf(points) - order)).toBeLessThan(0.25);
  });

  // Its timesteps are whole and its grid starts where the number of steps says, so the points scatter. From t ≈ 1000 to
  // 400: towards t = 0 the noise grows like √t, which no polynomial in t follows. Second order, as the paper claims
  // (arXiv 2202.09778).
  it.each([
    ['PRK and PLMS', false],
    ['PLMS', true],
  ])('PNDM: %s', (_, skip_prk_steps) => {
    const points = [50, 100, 125, 250].map(
      (steps) => [steps, errorAfter(named('PNDM', { skip_prk_steps }, { until: 400 }), steps - 1)] as const,
    );
    expect(Math.abs(orderOf(points) - 2)).toBeLessThan(0.4);
  });
});
