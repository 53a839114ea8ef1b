/** Schedulers that are loaded one by one, when a run asks for them: what is bundled so begins without any. */
import { entryNamed, type SchedulerEntry } from './entry.ts';

/** How each class is loaded, by its name, in the order of the registry. */
export const schedulerLoaders: Readonly<Record<string, () => Promise<SchedulerEntry>>> = {
  DDPMScheduler: async () => (await import('./ddpm.ts')).DDPMScheduler,
  DDIMScheduler: async () => (await import('./ddim.ts')).DDIMScheduler,
  DDIMInverseScheduler: async () => (await import('./ddim-inverse.ts')).DDIMInverseScheduler,
  PNDMScheduler: async () => (await import('./pndm.ts')).PNDMScheduler,
  EulerDiscreteScheduler: async () => (await import('./euler.ts')).EulerDiscreteScheduler,
  EulerAncestralDiscreteScheduler: async () => (await import('./euler-ancestral.ts')).EulerAncestralDiscreteScheduler,
  HeunDiscreteScheduler: async () => (await import('./heun.ts')).HeunDiscreteScheduler,
  LMSDiscreteScheduler: async () => (await import('./lms.ts')).LMSDiscreteScheduler,
  KDPM2DiscreteScheduler: async () => (await import('./kdpm2.ts')).KDPM2DiscreteScheduler,
  KDPM2AncestralDiscreteScheduler: async () => (await import('./kdpm2-ancestral.ts')).KDPM2AncestralDiscreteScheduler,
  DPMSolverMultistepScheduler: async () => (await import('./dpm-multistep.ts')).DPMSolverMultistepScheduler,
  DPMSolverMultistepInverseScheduler: async () =>
    (await import('./dpm-multistep-inverse.ts')).DPMSolverMultistepInverseScheduler,
  DPMSolverSinglestepScheduler: async () => (await import('./dpm-singlestep.ts')).DPMSolverSinglestepScheduler,
  UniPCMultistepScheduler: async () => (await import('./unipc.ts')).UniPCMultistepScheduler,
  DEISMultistepScheduler: async () => (await import('./deis.ts')).DEISMultistepScheduler,
  DPMSolverSDEScheduler: async () => (await import('./dpm-sde.ts')).DPMSolverSDEScheduler,
  SASolverScheduler: async () => (await import('./sa-solver.ts')).SASolverScheduler,
  LCMScheduler: async () => (await import('./lcm.ts')).LCMScheduler,
  TCDScheduler: async () => (await import('./tcd.ts')).TCDScheduler,
  EDMEulerScheduler: async () => (await import('./edm-euler.ts')).EDMEulerScheduler,
  EDMDPMSolverMultistepScheduler: async () => (await import('./edm-dpm-multistep.ts')).EDMDPMSolverMultistepScheduler,
  CMStochasticIterativeScheduler: async () =>
    (await import('./cm-stochastic-iterative.ts')).CMStochasticIterativeScheduler,
  ScoreSdeVeScheduler: async () => (await import('./score-sde-ve.ts')).ScoreSdeVeScheduler,
  CosineDPMSolverMultistepScheduler: async () =>
    (await import('./cosine-dpm-multistep.ts')).CosineDPMSolverMultistepScheduler,
  IPNDMScheduler: async () => (await import('./ipndm.ts')).IPNDMScheduler,
  FlowMatchEulerDiscreteScheduler: async () => (await import('./flow-match-euler.ts')).FlowMatchEulerDiscreteScheduler,
  FlowMatchHeunDiscreteScheduler: async () => (await import('./flow-match-heun.ts')).FlowMatchHeunDiscreteScheduler,
  FlowMatchLCMScheduler: async () => (await import('./flow-match-lcm.ts')).FlowMatchLCMScheduler,
};

/**
 * The entry of a class, for `createSchedulerOf`.
 * @param name of the class in diffusers
 * @throws InputError for an unknown one, with those that are known
 */
export async function loadScheduler(name: unknown): Promise<SchedulerEntry> {
  return entryNamed(schedulerLoaders, name)();
}
