/** Elementary functions of our own, made of + − × ÷ and √ only, so that they give the same bits in every engine. */
export { exp } from './math/exp.ts';
export { EXPF, expf } from './math/expf.ts';
