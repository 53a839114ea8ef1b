/** Norms and softmax: what a number becomes depends on all of its group or row. */
import { shown } from '../../tensor/shown.ts';
import { dimensions, expect, expectEpsilon, expectGroups, expectShape } from './checks.ts';
import type { Rows } from './operation.ts';

/** What looks at a whole group or row at once. */
export const norms: Rows<'groupNorm' | 'layerNorm' | 'softmax' | 'entmax' | 'limitNorm'> = {
  groupNorm: {
    read: (x, groups, weight, bias, eps) => ({
      tensors: [x, weight, bias],
      attributes: { groups, eps },
    }),
    shape({ groups, eps }, [x, weight, bias]) {
      const channels = expectGroups('groupNorm', x, groups);
      expectShape('groupNorm', 'the weight', weight, [channels]);
      expectShape('groupNorm', 'the bias', bias, [channels]);
      expectEpsilon('groupNorm', eps);
      return x;
    },
    apply: (kernels, { groups, eps }, [x, weight, bias]) => kernels.groupNorm(x, groups, weight, bias, eps),
  },
  layerNorm: {
    read: (x, weight, bias, eps) => ({
      tensors: [x, weight, bias],
      attributes: { eps },
    }),
    shape({ eps }, [x, weight, bias]) {
      const size = x.at(-1) ?? 1;
      expectShape('layerNorm', 'the weight', dimensions('layerNorm', weight, 'C'), [size]);
      expectShape('layerNorm', 'the bias', bias, [size]);
      expectEpsilon('layerNorm', eps);
      return x;
    },
    apply: (kernels, { eps }, [x, weight, bias]) => kernels.layerNorm(x, weight, bias, eps),
  },
  softmax: {
    read: (x) => ({ tensors: [x], attributes: {} }),
    shape: (_, [x]) => x,
    apply: (kernels, _, [x]) => kernels.softmax(x),
  },
  entmax: {
    read: (x, alpha) => ({ tensors: [x], attributes: { alpha } }),
    shape({ alpha }, [x]) {
      const known: readonly number[] = [1.5, 2];
      expect('entmax', known.includes(alpha), `alpha is ${shown(alpha)}; it must be 1.5 or 2`);
      return x;
    },
    apply: (kernels, { alpha }, [x]) => kernels.entmax(x, alpha),
  },
  limitNorm: {
    read: (x, like, limit) => ({ tensors: [x, like], attributes: { limit } }),
    shape({ limit }, [x, like]) {
      expectShape('limitNorm', 'what it is like', like, x);
      expect('limitNorm', Number.isFinite(limit) && limit >= 0, `the limit is ${shown(limit)}; it must be 0 or more`);
      return x;
    },
    apply: (kernels, { limit }, [x, like]) => kernels.limitNorm(x, like, limit),
  },
};
