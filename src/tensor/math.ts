/**
 * Elementary functions of our own. They are made of + − × ÷ and √ only, so they give the same bits in every engine and
 * on every processor, which `Math.exp` and the others do not promise.
 * Without a suffix they work in double precision; with an f, in float32.
 */
export { gelu, mish, sigmoid, silu } from './math/activations.ts';
export { erf } from './math/erf.ts';
export { exp } from './math/exp.ts';
export { EXPF, expf } from './math/expf.ts';
export { expm1 } from './math/expm1.ts';
export { log, log1p } from './math/log.ts';
export { pow } from './math/pow.ts';
export { cosf, erff, geluf, logf, mishf, siluf, sinf, tanhf } from './math/single.ts';
export { tanh } from './math/tanh.ts';
export { cos, sin } from './math/trigonometry.ts';
