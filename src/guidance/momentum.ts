/** Momentum Guidance (Liao et al. 2026, arXiv 2602.20360). */
import { combine, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, finite, optional, type Checks } from '../tensor/checks.ts';
import { cfg } from './cfg.ts';
import type { Guidance } from './guidance.ts';
import { aScale, isAll, mapScale, push } from './scales.ts';
import { velocityOf, velocityScale } from './velocity.ts';

/** How strongly Momentum Guidance pushes, and how long it remembers. */
export interface MomentumGuidanceOptions {
  /** α, any finite number; 0 switches it off. */
  readonly momentumScale: PerSample;
  /** β in [0, 1]: how much of the mean of former velocities stays at each step; 0.6 unless given. */
  readonly decay?: number;
  /** g of classifier-free guidance, whose velocities are then the ones that are averaged; 1 is without. */
  readonly guidanceScale?: PerSample;
}

const checks: Checks<MomentumGuidanceOptions> = {
  momentumScale: aScale,
  decay: optional(finite(0, 1)),
  guidanceScale: optional(aScale),
};

/**
 * ũ_i = u_i + α (u_i − m_i), m_{i+1} = (1 − β) u_i + β m_i, m_0 = u_0: away from the mean of the velocities that the
 * run has had, at no further pass (eq. 11 and 12 of the paper's second version). u is the velocity of the prediction,
 * with classifier-free guidance where there is some; velocity.ts says what it is for models of ε and v, and how ũ
 * becomes a prediction again: p̃ = p + α (u − m)/κ. The paper's debiasing and rescaling of m, which it leaves to
 * choice, are not here. The mean goes on with every call of the model, also where a scheduler has two calls for a
 * noise level.
 * @throws InputError when an option is unknown or out of range; at a step, where a prediction says nothing of a
 *   velocity
 */
export function momentumGuidance(options: MomentumGuidanceOptions): Guidance {
  checkOptions('momentumGuidance', options, checks);
  const { momentumScale, decay = 0.6, guidanceScale = 1 } = options;
  const plain = cfg(guidanceScale);
  const memoryKey = {};
  return {
    name: 'momentum-guidance',
    guide(step) {
      const prediction = plain.guide(step);
      if (isAll(momentumScale, 0)) return prediction;
      const kappa = velocityScale(step);
      const velocity = velocityOf(step, prediction);
      const mean = step.memory.get(memoryKey) ?? velocity;
      step.memory.set(
        memoryKey,
        combine([
          [1 - decay, velocity],
          [decay, mean],
        ]),
      );
      return push(
        prediction,
        mapScale(momentumScale, (alpha) => alpha / kappa),
        subtract(velocity, mean),
      );
    },
  };
}
