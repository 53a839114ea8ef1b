/**
 * Elementary functions of our own. They are made of + − × ÷ and √ only, so they give the same bits in every engine and
 * on every processor, which `Math.exp` and the others do not promise.
 * Without a suffix they work in double precision; with an f, in float32.
 */
export {
  geluDerivative,
  mishDerivative,
  quickGeluDerivative,
  reluDerivative,
  siluDerivative,
  siluDerivativef,
  tanhDerivative,
} from './activation-derivatives.ts';
export { gelu, mish, QUICK_GELU, quickGelu, sigmoid, silu } from './activations.ts';
export { erf } from './erf.ts';
export { exp } from './exp.ts';
export { EXPF, expf } from './expf.ts';
export { expm1 } from './expm1.ts';
export { log, log1p } from './log.ts';
export { pow } from './pow.ts';
export { cosf, erff, geluf, logf, mishf, quickGeluf, siluf, sinf, tanhf } from './single.ts';
export { tanh } from './tanh.ts';
export { cos, sin } from './trigonometry.ts';
