/** Single steps, against formulas that stand in the papers and in diffusers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ddimStep } from '../../src/schedulers/ddim.ts';
import { adamsBashforth } from '../../src/schedulers/pndm.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { langevinStep } from '../../src/schedulers/score-sde-ve.ts';
import { saSolverStep } from '../../src/schedulers/sa-solver.ts';
import { tensor, zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { ancestralSplit } from '../../src/schedulers/variance-exploding.ts';
import { seededNoise, walk } from './support.ts';

const single = (...values: number[]): Tensor => tensor('f32', [1, values.length], Float32Array.from(values));
const double = (...values: number[]): Tensor => tensor('f64', [1, values.length], Float64Array.from(values));

/** How often a run of five steps draws noise, with the η that the class has unless another is said. */
const draws: readonly (readonly [name: string, count: number, config?: Record<string, unknown>, eta?: number])[] = [
  // None at timestep 0, which is the last of five leading ones; with an offset that is not reached.
  ['DDPM', 4],
  ['DDPM', 5, { steps_offset: 1 }],
  ['DDIM', 0],
  ['DDIM', 5, {}, 0.01],
  ['DDIM', 5, {}, 1],
  // None in the step to σ = 0.
  ['EulerAncestralDiscrete', 4],
  ['KDPM2AncestralDiscrete', 4],
  // None in the last step.
  ['LCM', 4],
  ['TCD', 4],
  ['TCD', 0, {}, 0],
  // In the last step too, where it counts for nothing; in none of a run of one step.
  ['CMStochasticIterative', 5],
  ['FlowMatchLCM', 5],
  // None in the step to σ = 0, which is one call; with a seed none of the run's.
  ['DPMSolverSDE', 8],
  ['DPMSolverSDE', 0, { noise_sampler_seed: 7 }],
  ['CosineDPMSolverMultistep', 4],
  ['CosineDPMSolverMultistep', 4, { final_sigmas_type: 'sigma_min' }],
  // In corrections, too, but not where the last step ends.
  ['ScoreSdeVe', 9],
  ['ScoreSdeVe', 14, { correct_steps: 2 }],
  ['ScoreSdeVe', 4, { correct_steps: 0 }],
  // In all steps, though it counts only in the middle of the run.
  ['SASolver', 5],
  // In all steps of the SDE.
  ['DPMSolverMultistep', 5, { algorithm_type: 'sde-dpmsolver++' }],
  ['DPMSolverMultistep', 5, { algorithm_type: 'sde-dpmsolver', final_sigmas_type: 'sigma_min' }],
  ['DPMSolverSinglestep', 5, { algorithm_type: 'sde-dpmsolver++' }],
  ['EDMDPMSolverMultistep', 5, { algorithm_type: 'sde-dpmsolver++' }],
  ['FlowMatchEulerDiscrete', 5, { stochastic_sampling: true }],
];

const counted = draws.map(([name, count, config = {}, eta]) => ({
  name,
  count,
  config,
  choices: eta === undefined ? {} : { eta },
}));
it.each(counted)(
  '$name draws noise $count times in five steps: $config $choices',
  ({ name, count, config, choices }) => {
    const scheduler = createScheduler({ _class_name: `${name}Scheduler`, ...config }, 5, choices);
    const source = seededNoise(3);
    let drawn = 0;
    const noise = (shape: readonly number[]): Tensor => {
      drawn++;
      return source(shape);
    };
    walk(scheduler, { model: (x) => x, sample: zeros('f32', [1, 1, 2, 2]), noise });
    expect(drawn).toBe(count);
  },
);

describe('DDIM', () => {
  const level = fc.double({ min: 0.01, max: 0.98, noNaN: true });

  it('adds noise of the deviation σ, and as much less of ε: arXiv 2010.02502, eq. 12 and 16', () => {
    fc.assert(
      fc.property(level, level, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, eta) => {
        const [alpha, next] = [Math.fround(Math.min(a, b)), Math.fround(Math.max(a, b) + 0.01)];
        const sigma = eta * Math.sqrt((1 - next) / (1 - alpha)) * Math.sqrt(1 - alpha / next);
        const step = (x0: number, epsilon: number, z: number): number =>
          ddimStep(double(x0), double(epsilon), alpha, next, eta, double(z)).data[0];
        expect(Math.abs(step(1, 0, 0) - Math.sqrt(next))).toBeLessThan(1e-6);
        expect(Math.abs(step(0, 1, 0) ** 2 - (1 - next - sigma ** 2))).toBeLessThan(1e-6);
        expect(Math.abs(step(0, 0, 1) ** 2 - sigma ** 2)).toBeLessThan(1e-6);
      }),
    );
  });
});

describe('an ancestral step', () => {
  const sigma = fc.double({ min: 0.001, max: 100, noNaN: true });

  it('splits σ′² into that of the way down and that of the noise, which is all of it where η is large', () => {
    fc.assert(
      fc.property(sigma, sigma, fc.double({ min: 0, max: 5, noNaN: true }), (a, b, eta) => {
        const [from, to] = [Math.max(a, b) * 1.01, Math.min(a, b)];
        const { down, up } = ancestralSplit(from, to, eta);
        expect(Math.abs(Math.hypot(down, up) / to - 1)).toBeLessThan(1e-12);
        expect(up).toBeLessThanOrEqual(to);
        expect(ancestralSplit(from, to, 1e9)).toEqual({ down: 0, up: to });
        // k-diffusion, get_ancestral_step
        if (eta <= 1) expect(Math.abs(up / to - eta * Math.sqrt(1 - (to / from) ** 2))).toBeLessThan(1e-12);
      }),
    );
  });
});

describe('DDPM', () => {
  it('with fixed_large_log adds the noise of fixed_large, where diffusers takes the root of ln β: no number', () => {
    const [byLogarithm, plain] = ['fixed_large_log', 'fixed_large'].map((variance_type) => {
      const scheduler = createScheduler({ _class_name: 'DDPMScheduler', variance_type }, 5);
      return walk(scheduler, { model: (x) => x, sample: single(1), noise: () => single(1) });
    });
    expect(byLogarithm).toEqual(plain);
  });
});

describe('DPM-Solver, singlestep', () => {
  it('lowers its final order only where the blocks fill the run, as diffusers does', () => {
    const run = (lower_order_final: boolean, steps: number): Tensor[] => {
      const config = { solver_order: 3, final_sigmas_type: 'sigma_min', lower_order_final };
      const scheduler = createScheduler({ _class_name: 'DPMSolverSinglestepScheduler', ...config }, steps);
      return walk(scheduler, {
        model: (x, t) => double(...x.data.map((v) => v / (1 + v * v) + t / 999)),
        sample: double(1, -0.3),
      });
    };
    for (const steps of [4, 5, 7, 8]) expect(run(true, steps)).toEqual(run(false, steps));
    for (const steps of [3, 6, 9]) {
      const [lowered, plain] = [run(true, steps), run(false, steps)];
      expect(lowered.slice(0, -1)).toEqual(plain.slice(0, -1));
      expect(lowered[steps - 1]).not.toEqual(plain[steps - 1]);
    }
  });
});

describe('Langevin’s dynamics', () => {
  it('leaves a picture alone where the score is 0, and each picture to itself', () => {
    const of = (...values: number[]): Tensor => tensor('f64', [2, 2], Float64Array.from(values));
    const [x, z] = [of(1, 2, 3, 4), of(3, 4, 0.6, 0.8)];
    const { data } = langevinStep(x, of(0, 0, 0, 2), z, 0.5);
    // ‖z‖ = 1, ‖s‖ = 2: κ = 2 (0.5 · 1/2)² = 1/8.
    expect(data.slice(0, 2)).toEqual(Float64Array.of(1, 2));
    expect(data[2]).toBeCloseTo(3 + 0.5 * 0.6, 14);
    expect(data[3]).toBeCloseTo(4 + 2 / 8 + 0.5 * 0.8, 14);
  });
});

describe('SA-Solver', () => {
  const levelOf = (lambda: number) => {
    const signal = 1 / Math.sqrt(1 + Math.exp(-2 * lambda));
    return { signal, noise: signal * Math.exp(-lambda), lambda };
  };
  const zero = double(0);

  // arXiv 2309.05019, eq. 14 and 17
  it('of k nodes is exact where the model is a polynomial in λ of degree k − 1', () => {
    const [start, h] = [0.3, 0.7];
    for (const predictsOriginal of [true, false])
      for (const tau of [0, 1, 0.4])
        for (const ahead of [0, 1])
          for (const count of [1, 2, 3, 4]) {
            // Of x̂₀ two nodes make another, simpler step.
            if (predictsOriginal && count === 2) continue;
            const model = (lambda: number): number =>
              1.3 - 0.4 * (count > 1 ? lambda : 0) + 0.2 * lambda ** (count - 1);
            const places = Array.from({ length: count }, (_, k) => start + h * ahead - k * (k > ahead ? 0.6 : h));
            const nodes = places.map((lambda) => ({ output: double(model(lambda)), level: levelOf(lambda) }));
            const [from, to] = [levelOf(start), levelOf(start + h)];
            const b = predictsOriginal ? 1 + tau ** 2 : -1;
            const pieces = 2000;
            const integral = Array.from({ length: pieces }, (_, i) => ((i + 0.5) * h) / pieces).reduce(
              (sum, u) => sum + (Math.exp(b * (u - h)) * model(start + u) * h) / pieces,
              0,
            );
            const expected = (predictsOriginal ? to.signal : -to.noise) * (1 + tau ** 2) * integral;
            const step = saSolverStep({ predictsOriginal, tau }, from, to, zero, nodes, zero).data[0];
            expect(Math.abs(step - expected)).toBeLessThan(1e-6);
          }
  });

  it('makes of noise alone noise of the next level, whatever τ is', () => {
    fc.assert(
      fc.property(fc.double({ min: -4, max: 3, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }), (a, tau) => {
        const [from, to] = [levelOf(a), levelOf(a + 0.5)];
        const part = (x: number, z: number): number => {
          const nodes = [{ output: zero, level: from }];
          return saSolverStep({ predictsOriginal: true, tau }, from, to, double(x), nodes, double(z)).data[0];
        };
        expect(Math.abs(Math.hypot(part(from.noise, 0), part(0, 1)) / to.noise - 1)).toBeLessThan(1e-12);
      }),
    );
  });
});

describe('PNDM', () => {
  it('multiplies four slopes by 1/24 as diffusers does, where it divides fewer by 2 and 12', () => {
    const { fround } = Math;
    const slope = fc.double({ min: -2, max: 2, noNaN: true }).map(fround);
    fc.assert(
      fc.property(slope, slope, slope, slope, (a, b, c, d) => {
        const sum = (...terms: number[]): number => terms.reduce((total, term) => fround(total + fround(term)));
        const [two, three] = [sum(fround(3 * a), -b), sum(fround(23 * a), -16 * b, 5 * c)];
        const four = sum(fround(55 * a), -59 * b, 37 * c, -9 * d);
        const mean = (...outputs: number[]): number => adamsBashforth(outputs.map((one) => single(one))).data[0];
        expect(mean(a)).toBe(a);
        expect(mean(a, b)).toBe(fround(two / 2));
        expect(mean(a, b, c)).toBe(fround(three / 12));
        expect(mean(a, b, c, d)).toBe(fround(four * fround(1 / 24)));
      }),
    );
  });
});
