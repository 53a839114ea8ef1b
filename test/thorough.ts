/**
 * What CI tries more often than `npm test` does. The rule: each row (an operation, layer, scheduler, guidance, command,
 * kind of model, golden run) is tried in every run of the tests, in the precision that one draws with; what repeats it
 * is tried in full where PAG_THOROUGH is set, as in .ci/run: more random inputs, mutations and moments, more members of
 * a family, the largest goldens in double precision, too. Left to it alone are what takes many seconds and is asked of
 * something smaller elsewhere, what installs packages or needs gigabytes, and figures that the page tells: each says
 * so.
 */

/** Whether everything is tried. */
export const thorough = Boolean(process.env['PAG_THOROUGH']);

/** The precisions of goldens that take seconds in double precision, which the plain loops compute. */
export const dtypesOfLarge: readonly ('f32' | 'f64')[] = thorough ? ['f32', 'f64'] : ['f32'];

/** How often something is repeated: `many` times where everything is tried, else a quarter as often. */
export function repeated(many: number, few = Math.ceil(many / 4)): number {
  return thorough ? many : few;
}

/** All members of a family where everything is tried, else the first of them. */
export function firstOf<Member>(family: readonly Member[], few = 1): readonly Member[] {
  return thorough ? family : family.slice(0, few);
}
