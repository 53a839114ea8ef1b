/** CFG under sliding-mode control (CFG-Ctrl: Wang et al. 2026, arXiv 2603.03281). */
import { add, addScaled, mapElements, norm, scale, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, finite, oneOf, optional, type Checks } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { cfg } from './cfg.ts';
import { conditional, predictEach, unconditional, type Guidance } from './guidance.ts';
import { aScale, mapScale, push } from './scales.ts';
import { velocityScale } from './velocity.ts';

/** What takes the place of sign(s): the sign of each element, or s of length 1, sample by sample. */
export type Switching = 'sign' | 'unit';

/** How strongly SMC-CFG pushes, and how it steers. */
export interface SmcCfgOptions {
  /** w; 1 is unguided but for the steering. */
  readonly guidanceScale: PerSample;
  /** λ, any finite number: the slope of the sliding surface; 5 unless given. */
  readonly slope?: number;
  /** K ≥ 0, in units of velocities: how hard the error is pushed towards the surface; 0.2 unless given, 0 is CFG. */
  readonly gain?: number;
  /** `sign`, as in the authors' code, unless given. (A table of the paper has `unit`.) */
  readonly switching?: Switching;
}

const checks: Checks<SmcCfgOptions> = {
  guidanceScale: aScale,
  slope: optional(finite()),
  gain: optional(finite(0)),
  switching: optional(oneOf(['sign', 'unit'])),
};

/**
 * e = u(c) − u(∅), the error; s = (e − e′) + λ e′, the sliding surface, e′ being e* of the step before, at the first
 * step e; e* = e − K sign(s); ũ = u(∅) + w e*. On velocities u (velocity.ts): as predictions p at one x_t differ in
 * proportion to velocities, e = κ (p(c) − p(∅)) and p̃ = p(∅) + w/κ · e*. Defaults of the authors' examples.
 * @throws InputError when an option is unknown or out of range; at a step, where a prediction says nothing of a
 *   velocity
 */
export function smcCfg(options: SmcCfgOptions): Guidance {
  checkOptions('smcCfg', options, checks);
  const { guidanceScale, slope = 5, gain = 0.2, switching = 'sign' } = options;
  if (gain === 0) return { ...cfg(guidanceScale), name: 'smc-cfg' };
  const memoryKey = {};
  return {
    name: 'smc-cfg',
    guide(step) {
      const kappa = velocityScale(step);
      const [given, nothing] = predictEach(step, [conditional, unconditional]);
      const error = scale(subtract(given, nothing), kappa);
      const before = step.memory.get(memoryKey) ?? error;
      const surface = add(subtract(error, before), scale(before, slope));
      const steered = addScaled(error, -gain, switched(surface, switching));
      step.memory.set(memoryKey, steered);
      return push(
        nothing,
        mapScale(guidanceScale, (w) => w / kappa),
        steered,
      );
    },
  };
}

/** sign(s), 0 where s is 0; or s/‖s‖₂ of each sample. */
function switched(s: Tensor, switching: Switching): Tensor {
  if (switching === 'sign') return mapElements(s, Math.sign);
  return scale(
    s,
    norm(s).map((length) => (length === 0 ? 0 : 1 / length)),
  );
}
