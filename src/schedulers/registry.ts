/** All schedulers by the name of their class in diffusers. */
import type { SchedulerChoices } from './choices.ts';
import { CMStochasticIterativeScheduler } from './cm-stochastic-iterative.ts';
import { CosineDPMSolverMultistepScheduler } from './cosine-dpm-multistep.ts';
import { createSchedulerOf } from './create.ts';
import { DDIMInverseScheduler } from './ddim-inverse.ts';
import { DDIMScheduler } from './ddim.ts';
import { DDPMScheduler } from './ddpm.ts';
import { DEISMultistepScheduler } from './deis.ts';
import { DPMSolverMultistepInverseScheduler } from './dpm-multistep-inverse.ts';
import { DPMSolverMultistepScheduler } from './dpm-multistep.ts';
import { DPMSolverSDEScheduler } from './dpm-sde.ts';
import { DPMSolverSinglestepScheduler } from './dpm-singlestep.ts';
import { EDMDPMSolverMultistepScheduler } from './edm-dpm-multistep.ts';
import { EDMEulerScheduler } from './edm-euler.ts';
import { entryNamed, type SchedulerEntry } from './entry.ts';
import { EulerAncestralDiscreteScheduler } from './euler-ancestral.ts';
import { EulerDiscreteScheduler } from './euler.ts';
import { FlowMatchEulerDiscreteScheduler } from './flow-match-euler.ts';
import { FlowMatchHeunDiscreteScheduler } from './flow-match-heun.ts';
import { FlowMatchLCMScheduler } from './flow-match-lcm.ts';
import { HeunDiscreteScheduler } from './heun.ts';
import { IPNDMScheduler } from './ipndm.ts';
import { KDPM2AncestralDiscreteScheduler } from './kdpm2-ancestral.ts';
import { KDPM2DiscreteScheduler } from './kdpm2.ts';
import { LCMScheduler } from './lcm.ts';
import { LMSDiscreteScheduler } from './lms.ts';
import type { Config } from './options.ts';
import { PNDMScheduler } from './pndm.ts';
import { SASolverScheduler } from './sa-solver.ts';
import type { Scheduler } from './scheduler.ts';
import { ScoreSdeVeScheduler } from './score-sde-ve.ts';
import { TCDScheduler } from './tcd.ts';
import { UniPCMultistepScheduler } from './unipc.ts';

export type { SchedulerChoices } from './choices.ts';

/** Every scheduler by the name of its class, in the order of help. */
export const schedulers: Readonly<Record<string, SchedulerEntry>> = {
  DDPMScheduler,
  DDIMScheduler,
  DDIMInverseScheduler,
  PNDMScheduler,
  EulerDiscreteScheduler,
  EulerAncestralDiscreteScheduler,
  HeunDiscreteScheduler,
  LMSDiscreteScheduler,
  KDPM2DiscreteScheduler,
  KDPM2AncestralDiscreteScheduler,
  DPMSolverMultistepScheduler,
  DPMSolverMultistepInverseScheduler,
  DPMSolverSinglestepScheduler,
  UniPCMultistepScheduler,
  DEISMultistepScheduler,
  DPMSolverSDEScheduler,
  SASolverScheduler,
  LCMScheduler,
  TCDScheduler,
  EDMEulerScheduler,
  EDMDPMSolverMultistepScheduler,
  CMStochasticIterativeScheduler,
  ScoreSdeVeScheduler,
  CosineDPMSolverMultistepScheduler,
  IPNDMScheduler,
  FlowMatchEulerDiscreteScheduler,
  FlowMatchHeunDiscreteScheduler,
  FlowMatchLCMScheduler,
};

/** The names of all classes, in the order of `schedulers`. */
export const schedulerNames: readonly string[] = Object.keys(schedulers);

/**
 * The keys of a class with their defaults, as a `scheduler_config.json` may give them.
 * @throws InputError for an unknown class, with those that are known
 */
export function schedulerDefaults(className: string): Config {
  return entryNamed(schedulers, className).create({}, 10, {}).config;
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
  return createSchedulerOf(entryNamed(schedulers, config?.['_class_name']), config, steps, choices);
}
