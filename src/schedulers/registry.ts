/** All schedulers by the name of their class in diffusers. */
import { InputError } from '../tensor/errors.ts';
import { checked } from './checked.ts';
import { checkChoices, checkMu, countSteps, type ChoicesOfClass, type SchedulerChoices } from './choices.ts';
import { cmStochasticIterative } from './cm-stochastic-iterative.ts';
import { cosineDpmMultistep } from './cosine-dpm-multistep.ts';
import { ddimInverse } from './ddim-inverse.ts';
import { ddim } from './ddim.ts';
import { ddpm } from './ddpm.ts';
import { deis } from './deis.ts';
import { dpmMultistepInverse } from './dpm-multistep-inverse.ts';
import { dpmMultistep } from './dpm-multistep.ts';
import { dpmSde } from './dpm-sde.ts';
import { dpmSinglestep } from './dpm-singlestep.ts';
import { edmDpmMultistep } from './edm-dpm-multistep.ts';
import { edmEuler } from './edm-euler.ts';
import { eulerAncestral } from './euler-ancestral.ts';
import { euler } from './euler.ts';
import { flowMatchEuler } from './flow-match-euler.ts';
import { flowMatchHeun } from './flow-match-heun.ts';
import { flowMatchLcm } from './flow-match-lcm.ts';
import { heun } from './heun.ts';
import { ipndm } from './ipndm.ts';
import { kdpm2Ancestral } from './kdpm2-ancestral.ts';
import { kdpm2 } from './kdpm2.ts';
import { laterPart } from './later.ts';
import { lcm } from './lcm.ts';
import { lms } from './lms.ts';
import { foreignKeys } from './foreign-keys.ts';
import type { Config } from './options.ts';
import { pndm } from './pndm.ts';
import { saSolver } from './sa-solver.ts';
import type { Scheduler } from './scheduler.ts';
import { scoreSdeVe } from './score-sde-ve.ts';
import { tcd } from './tcd.ts';
import { unipc } from './unipc.ts';

export type { SchedulerChoices } from './choices.ts';

/** Which models a scheduler can drive. */
export type ModelKind =
  /** Trained on √ᾱ x₀ + √(1−ᾱ) ε at whole timesteps. */
  | 'discrete'
  /** Trained with EDM's preconditioning, and given ¼ ln σ. */
  | 'edm'
  /** Trained to predict the direction of a flow. */
  | 'flow'
  /** Consistency models of x₀ + σ ε, given 250 ln σ. */
  | 'consistency'
  /** Trained to predict the score ∇ log p of x₀ + σ ε, given σ. */
  | 'score'
  /** Trained to predict v at a continuous time, (2/π) atan(σ/α). */
  | 'continuous';

/** What is known of a scheduler before it is created. */
export interface SchedulerEntry extends ChoicesOfClass {
  /** The name on the command line. */
  readonly short: string;
  /** What it is, in a line. */
  readonly summary: string;
  /** The paper, or the code where it comes from. */
  readonly source: string;
  /** Which models it can drive. */
  readonly kind: ModelKind;
  /** Its own start, for a run that leaves out steps, where that is not the later part of the whole run. */
  readonly createLater?: (config: Config, steps: number, begin: number) => Scheduler;
  /** @throws InputError for a config, a number of steps or choices that it does not support */
  readonly create: (config: Config, steps: number, choices: SchedulerChoices) => Scheduler;
}

/** Every scheduler by the name of its class. */
export const schedulers: Readonly<Record<string, SchedulerEntry>> = {
  DDPMScheduler: {
    short: 'ddpm',
    summary: 'the ancestral sampler that the model was trained for: one noise draw a step',
    source: 'Ho et al. 2020, arXiv 2006.11239',
    kind: 'discrete',
    own: { timesteps: true },
    create: (config, steps, own) => ddpm(config, steps, own),
  },
  DDIMScheduler: {
    short: 'ddim',
    summary: 'deterministic with eta 0, as noisy as DDPM with eta 1; first order',
    source: 'Song et al. 2021, arXiv 2010.02502',
    kind: 'discrete',
    eta: 0,
    mostEta: 1,
    create: (config, steps, { eta }) => ddim(config, steps, eta),
  },
  DDIMInverseScheduler: {
    short: 'ddim-inverse',
    summary: 'DDIM backwards: from a picture to its noise (--invert)',
    source: 'Mokady et al. 2022, arXiv 2211.09794',
    kind: 'discrete',
    create: (config, steps) => ddimInverse(config, steps),
  },
  PNDMScheduler: {
    short: 'pndm',
    summary: 'Runge–Kutta for three steps, then linear multistep, along the curve of DDIM',
    source: 'Liu et al. 2022, arXiv 2202.09778',
    kind: 'discrete',
    createLater: pndm,
    create: (config, steps) => pndm(config, steps),
  },
  EulerDiscreteScheduler: {
    short: 'euler',
    summary: "Euler's method in σ; first order",
    source: 'Karras et al. 2022, arXiv 2206.00364',
    kind: 'discrete',
    own: { timesteps: true, sigmas: 'steps and end' },
    churns: true,
    create: (config, steps, choices) => euler(config, steps, choices),
  },
  EulerAncestralDiscreteScheduler: {
    short: 'euler-ancestral',
    summary: 'Euler down, then noise up',
    source: 'k-diffusion, sample_euler_ancestral',
    kind: 'discrete',
    eta: 1,
    create: (config, steps, { eta }) => eulerAncestral(config, steps, eta),
  },
  HeunDiscreteScheduler: {
    short: 'heun',
    summary: "Heun's method; second order, two calls a step",
    source: 'Karras et al. 2022, arXiv 2206.00364, algorithm 1',
    kind: 'discrete',
    own: { timesteps: true },
    create: (config, steps, own) => heun(config, steps, own),
  },
  LMSDiscreteScheduler: {
    short: 'lms',
    summary: 'linear multistep through the last four slopes',
    source: 'k-diffusion, sample_lms',
    kind: 'discrete',
    create: (config, steps) => lms(config, steps),
  },
  KDPM2DiscreteScheduler: {
    short: 'kdpm2',
    summary: 'the midpoint method in log σ; second order, two calls a step',
    source: 'k-diffusion, sample_dpm_2, after arXiv 2206.00927',
    kind: 'discrete',
    create: (config, steps) => kdpm2(config, steps),
  },
  KDPM2AncestralDiscreteScheduler: {
    short: 'kdpm2-ancestral',
    summary: 'KDPM2 down, then noise up',
    source: 'k-diffusion, sample_dpm_2_ancestral',
    kind: 'discrete',
    eta: 1,
    create: (config, steps, { eta }) => kdpm2Ancestral(config, steps, eta),
  },
  DPMSolverMultistepScheduler: {
    short: 'dpm',
    summary: 'DPM-Solver and DPM-Solver++, of the ODE or the SDE, orders 1 to 3, one call a step',
    source: 'Lu et al. 2022, arXiv 2206.00927, 2211.01095',
    kind: 'discrete',
    own: { timesteps: true },
    create: (config, steps, { mu, ...own }) => dpmMultistep(config, steps, mu, own),
  },
  DPMSolverMultistepInverseScheduler: {
    short: 'dpm-inverse',
    summary: 'DPM-Solver backwards: from a picture, given as --noise, to its noise',
    source: 'Lu et al. 2022, arXiv 2206.00927, 2211.01095',
    kind: 'discrete',
    create: (config, steps) => dpmMultistepInverse(config, steps),
  },
  DPMSolverSinglestepScheduler: {
    short: 'dpm-singlestep',
    summary: 'DPM-Solver and DPM-Solver++ in blocks of 1 to 3 calls',
    source: 'Lu et al. 2022, arXiv 2206.00927, 2211.01095',
    kind: 'discrete',
    own: { timesteps: true },
    create: (config, steps, { mu, ...own }) => dpmSinglestep(config, steps, mu, own),
  },
  UniPCMultistepScheduler: {
    short: 'unipc',
    summary: 'a predictor and a corrector of orders 1 to 3, one call a step',
    source: 'Zhao et al. 2023, arXiv 2302.04867',
    kind: 'discrete',
    own: { sigmas: 'steps' },
    create: (config, steps, { mu, ...own }) => unipc(config, steps, mu, own),
  },
  DEISMultistepScheduler: {
    short: 'deis',
    summary: 'exponential integrator with a polynomial in log ρ, orders 1 to 3',
    source: 'Zhang & Chen 2022, arXiv 2204.13902',
    kind: 'discrete',
    create: (config, steps, { mu }) => deis(config, steps, mu),
  },
  DPMSolverSDEScheduler: {
    short: 'dpm-sde',
    summary: 'DPM-Solver++ of the SDE, two calls a step, on the noise of a Brownian motion',
    source: 'Lu et al. 2022, arXiv 2211.01095; k-diffusion, sample_dpmpp_sde',
    kind: 'discrete',
    seeded: true,
    churns: 'sNoise',
    create: (config, steps, { noiseSeed, sNoise }) => dpmSde(config, steps, noiseSeed, sNoise),
  },
  SASolverScheduler: {
    short: 'sa',
    summary: 'stochastic Adams: a predictor and a corrector of orders 1 to 4, noise in the middle of the run',
    source: 'Xue et al. 2023, arXiv 2309.05019',
    kind: 'discrete',
    create: (config, steps) => saSolver(config, steps),
  },
  LCMScheduler: {
    short: 'lcm',
    summary: 'for consistency models: to x̂₀ at once, then noise again',
    source: 'Luo et al. 2023, arXiv 2310.04378',
    kind: 'discrete',
    own: { timesteps: true },
    strength: true,
    create: (config, steps, own) => lcm(config, steps, own),
  },
  TCDScheduler: {
    short: 'tcd',
    summary: 'for trajectory consistency models: down the line of DDIM, part of the way up by noise',
    source: 'Zheng et al. 2024, arXiv 2402.19159',
    kind: 'discrete',
    eta: 0.3,
    mostEta: 1,
    own: { timesteps: true },
    strength: true,
    create: (config, steps, { eta, ...own }) => tcd(config, steps, eta, own),
  },
  EDMEulerScheduler: {
    short: 'edm-euler',
    summary: "Euler's method for models with EDM's preconditioning",
    source: 'Karras et al. 2022, arXiv 2206.00364',
    kind: 'edm',
    churns: true,
    create: (config, steps, churn) => edmEuler(config, steps, churn),
  },
  EDMDPMSolverMultistepScheduler: {
    short: 'edm-dpm',
    summary: "DPM-Solver++ for models with EDM's preconditioning",
    source: 'arXiv 2206.00364 and 2211.01095',
    kind: 'edm',
    create: (config, steps) => edmDpmMultistep(config, steps),
  },
  CMStochasticIterativeScheduler: {
    short: 'cm',
    summary: 'for consistency models of σ: to x̂₀ at once, then noise again',
    source: 'Song et al. 2023, arXiv 2303.01469, algorithm 1',
    kind: 'consistency',
    own: { timesteps: true },
    create: (config, steps, own) => cmStochasticIterative(config, steps, own),
  },
  ScoreSdeVeScheduler: {
    short: 'sde-ve',
    summary: 'for models of the score: Langevin corrections, then a step of the reverse SDE',
    source: 'Song et al. 2021, arXiv 2011.13456, algorithms 2 and 4',
    kind: 'score',
    create: (config, steps) => scoreSdeVe(config, steps),
  },
  CosineDPMSolverMultistepScheduler: {
    short: 'cosine-dpm',
    summary: 'SDE-DPM-Solver++ for models of v in continuous time, on the noise of a Brownian motion',
    source: 'arXiv 2211.01095 and 2206.00364, as in Stable Audio, arXiv 2407.14358',
    kind: 'continuous',
    seeded: true,
    create: (config, steps, { noiseSeed }) => cosineDpmMultistep(config, steps, noiseSeed),
  },
  IPNDMScheduler: {
    short: 'ipndm',
    summary: 'linear multistep along the curve of DDIM, for models of v in continuous time',
    source: 'Liu et al. 2022, arXiv 2202.09778; Zhang & Chen 2022, arXiv 2204.13902',
    kind: 'continuous',
    create: (config, steps) => ipndm(config, steps),
  },
  FlowMatchEulerDiscreteScheduler: {
    short: 'flow-match-euler',
    summary: "Euler's method for flow matching",
    source: 'Lipman et al. 2022, arXiv 2210.02747; Esser et al. 2024, arXiv 2403.03206',
    kind: 'flow',
    own: { timesteps: true, sigmas: 'steps' },
    create: (config, steps, { mu, ...own }) => flowMatchEuler(config, steps, mu, own),
  },
  FlowMatchHeunDiscreteScheduler: {
    short: 'flow-match-heun',
    summary: "Heun's method for flow matching; second order, two calls a step",
    source: 'Karras et al. 2022, arXiv 2206.00364; Lipman et al. 2022, arXiv 2210.02747',
    kind: 'flow',
    churns: true,
    create: (config, steps, churn) => flowMatchHeun(config, steps, churn),
  },
  FlowMatchLCMScheduler: {
    short: 'flow-match-lcm',
    summary: 'for consistency models of a flow: to x̂₀ at once, then noise again',
    source: 'Luo et al. 2023, arXiv 2310.04378',
    kind: 'flow',
    own: { timesteps: true, sigmas: 'steps' },
    create: (config, steps, { mu, ...own }) => flowMatchLcm(config, steps, mu, own),
  },
};

/** The names of all classes, in the order of `schedulers`. */
export const schedulerNames: readonly string[] = Object.keys(schedulers);

/**
 * The keys of a class with their defaults, as a `scheduler_config.json` may give them.
 * @throws InputError for an unknown class, with those that are known
 */
export function schedulerDefaults(className: string): Config {
  return entryOf(className).create({}, 10, {}).config;
}

/**
 * The scheduler that a `scheduler_config.json` describes.
 * @param config its `_class_name` says which; the other keys are those of the class in diffusers. Keys that the class
 *   does not have do nothing, and are named by `warnings`
 * @param steps how many; a whole number from 1, or undefined where the choices have steps of their own. Some methods
 *   call the model more often
 * @throws InputError for an unknown class, choice or value, with those that are known, and for a number of steps or
 *   choices that the class cannot run with
 */
export function createScheduler(config: Config, steps: number | undefined, choices: SchedulerChoices = {}): Scheduler {
  const name = config?.['_class_name'];
  const entry = entryOf(name);
  checkChoices(`${name}`, entry, choices);
  const count = countSteps(`${name}`, entry, steps, choices);
  const scheduler = createFrom(choices.begin ?? 0, entry, config, count, choices);
  checkMu(`${name}`, scheduler.config, choices);
  checkLevels(scheduler);
  return { ...checked(scheduler), warnings: foreignKeys(config, scheduler.config, scheduler.name) };
}

/** The run without its first `begin` steps. */
function createFrom(
  begin: number,
  { create, createLater }: SchedulerEntry,
  config: Config,
  steps: number,
  choices: SchedulerChoices,
): Scheduler {
  if (!Number.isInteger(begin) || begin < 0 || begin >= steps) {
    throw new InputError(
      `${config['_class_name']}: begin is ${begin} of ${steps} steps; expected a whole number from 0 to ${steps - 1}`,
    );
  }
  if (begin > 0 && createLater) return createLater(config, steps, begin);
  const whole = create(config, steps, choices);
  // Each step has as many calls, but that the last of several methods, to σ = 0, has one.
  return begin === 0 ? whole : laterPart(whole, begin * Math.ceil(whole.timesteps.length / steps));
}

function entryOf(name: unknown): SchedulerEntry {
  const entry = typeof name === 'string' && Object.hasOwn(schedulers, name) ? schedulers[name] : undefined;
  if (!entry) {
    throw new InputError(
      `the scheduler ${JSON.stringify(name) ?? 'without a _class_name'} is not known; ` +
        `known are ${schedulerNames.join(', ')}`,
    );
  }
  return entry;
}

/** @throws InputError where a config and a number of steps leave a call without a timestep or a level */
function checkLevels({ name, timesteps, levelAt }: Scheduler): void {
  timesteps.forEach((t, index) => {
    const { signal, noise } = levelAt(index);
    if (Number.isFinite(t) && Number.isFinite(signal) && Number.isFinite(noise)) return;
    throw new InputError(
      `${name}: call ${index} of the model would be at timestep ${t} with α = ${signal} and σ = ${noise}; ` +
        'expected finite numbers; change the config, or the number of steps',
    );
  });
}
