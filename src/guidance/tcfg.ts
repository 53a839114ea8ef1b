/** Tangential damping classifier-free guidance (Kwon et al. 2025, arXiv 2503.18137). */
import { combine, dot, type PerSample } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { conditional, predictEach, predictOne, unconditional, type Guidance } from './guidance.ts';
import { checkScale, extrapolate, isAll, keep } from './scales.ts';

/**
 * ε(∅) loses its part across v, the first right singular vector of the two rows [ε(c); ε(∅)], per sample; then CFG:
 * û = ⟨ε(∅), v⟩ v, ε̃ = û + g (ε(c) − û).
 * @param guidanceScale g; 1 is unguided
 * @throws InputError when g is not finite
 */
export function tcfg(guidanceScale: PerSample): Guidance {
  checkScale('guidanceScale', guidanceScale);
  return {
    name: 'tcfg',
    guide(step) {
      if (isAll(guidanceScale, 1)) return predictOne(step, conditional);
      const [given, nothing] = predictEach(step, [conditional, unconditional]);
      return extrapolate(ontoLeadingDirection(nothing, given), given, guidanceScale);
    },
  };
}

/**
 * û, from inner products alone. v is a c + b u up to its length, where (a, b) is the leading eigenvector, a² + b² = 1,
 * of the Gram matrix [[⟨c,c⟩, ⟨c,u⟩], [⟨c,u⟩, ⟨u,u⟩]] with eigenvalue λ = ‖a c + b u‖². The matrix' second row says a
 * ⟨c,u⟩ + b ⟨u,u⟩ = λ b, hence û = ⟨u, a c + b u⟩ (a c + b u) / λ = b (a c + b u) = ab c + b² u. With (a, b) = (cos θ,
 * sin θ), the double angle is that of (⟨c,c⟩ − ⟨u,u⟩, 2⟨c,u⟩).
 */
function ontoLeadingDirection(u: Tensor, c: Tensor): Tensor {
  const [cc, cu, uu] = [dot(c, c), dot(c, u), dot(u, u)];
  const length = cc.map((square, b) => Math.sqrt((square - uu[b]) ** 2 + (2 * cu[b]) ** 2));
  const ab = cu.map((product, b) => product / length[b]);
  const bb = cc.map((square, b) => {
    const difference = square - uu[b];
    // (1 − cos 2θ)/2, without the cancellation where cos 2θ is near 1.
    return difference > 0
      ? (2 * cu[b] ** 2) / (length[b] * (length[b] + difference))
      : (length[b] - difference) / (2 * length[b]);
  });
  // Orthogonal and of one length, c and u lead equally: nothing is there to be damped.
  return keep(
    u,
    combine([
      [ab, c],
      [bb, u],
    ]),
    (b) => length[b] === 0,
  );
}
