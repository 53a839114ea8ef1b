/**
 * Mistakes that ports of PAG make, to be switched on: each is a small change to what is computed. The oracle knows them
 * by the same names, and many more.
 */
import type { Kernels } from '../../kernels/kernels.ts';
import { scaledAttention } from '../../oracle/faults/fault.ts';
import type { Denoiser } from '../../sampling/denoiser.ts';
import { present } from '../checked.ts';
import type { FaultName, GuidanceChoice } from '../protocol.ts';

/** A mistake: what it changes, of what is computed. */
export interface Fault {
  readonly name: FaultName;
  /** What the port does: completes "the port …". */
  readonly says: string;
  /** Whether its letters look wrong by themselves, full of grain or no letters; all others pass for right ones. */
  readonly showsAlone?: true;
  /** Some kernels compute something else. */
  readonly kernels?: (kernels: Kernels) => Partial<Kernels>;
  readonly guidance?: (choice: GuidanceChoice) => GuidanceChoice;
  /** What the model is given as its timestep, of those of the run. */
  readonly timestep?: (timestep: number, timesteps: readonly number[]) => number;
}

const otherScale =
  (change: (scale: number) => number) =>
  (choice: GuidanceChoice): GuidanceChoice =>
    choice.kind === 'pag'
      ? { ...choice, scale: typeof choice.scale === 'number' ? change(choice.scale) : choice.scale.map(change) }
      : choice;

/** All of them, in the order in which the page lists them. */
export const faults: readonly Fault[] = [
  { name: 'pag-sign', says: 'guides towards the perturbed pass: −s where s is meant', guidance: otherScale((s) => -s) },
  {
    name: 'guide-scale-for-g',
    says: "computes ε̂ + s (ε − ε̂), as the authors' code does, whose scale is s + 1",
    guidance: otherScale((s) => s - 1),
  },
  {
    name: 'pag-leaks',
    says: 'leaves the perturbation switched on: the plain pass is perturbed, too',
    guidance: (choice) => (choice.kind === 'pag' ? { kind: 'spoilt', layers: choice.layers } : choice),
  },
  {
    name: 'attention-scale-missing',
    says: 'computes softmax(Q Kᵀ), without the 1/√d',
    showsAlone: true,
    kernels: (kernels) => scaledAttention(kernels, () => 1),
  },
  {
    name: 'timestep-of-next-step',
    says: 'gives the model the timestep of the next step',
    showsAlone: true,
    timestep: (timestep, timesteps) => timesteps[timesteps.indexOf(timestep) + 1] ?? timestep,
  },
  {
    name: 'silu-is-gelu',
    says: 'uses GELU where SiLU is meant',
    showsAlone: true,
    kernels: (kernels) => ({ activation: (x, kind) => kernels.activation(x, kind === 'silu' ? 'gelu' : kind) }),
  },
  {
    name: 'softmax-base-two',
    says: 'takes 2ˣ where eˣ is meant, in the softmax',
    kernels: (kernels) => scaledAttention(kernels, (_, scale) => scale * Math.LN2),
  },
  {
    name: 'norm-eps-1e-6',
    says: 'uses 1e-6 in the group norms where 1e-5 is meant',
    kernels: (kernels) => ({
      groupNorm: (x, groups, weight, bias) => kernels.groupNorm(x, groups, weight, bias, 1e-6),
    }),
  },
];

/** The mistake of this name. */
export function faultNamed(name: FaultName): Fault {
  return present(
    faults.find((fault) => fault.name === name),
    `mistake "${name}"`,
  );
}

/** Whether a mistake is in the network, and not in what is made of its predictions. */
export function isInNetwork(name: FaultName): boolean {
  return faultNamed(name).kernels !== undefined;
}

/** A denoiser that is told other timesteps. */
export function mistimed(denoiser: Denoiser, timestepFor: (timestep: number) => number): Denoiser {
  return { predict: (sample, timestep, passes) => denoiser.predict(sample, timestepFor(timestep), passes) };
}
