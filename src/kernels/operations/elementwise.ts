/** Operations that treat every element alike. */
import { sameShape, shapeText } from '../../tensor/tensor.ts';
import { activations } from '../kernels.ts';
import { expect, expectNumber } from './checks.ts';
import type { Rows, Shape } from './operation.ts';

/** What makes a number of a number, or of two that stand at the same place. */
export const elementwise: Rows<'activation' | 'add' | 'subtract' | 'multiply' | 'affine' | 'divide'> = {
  activation: {
    read: (x, activation) => ({ tensors: [x], attributes: { activation } }),
    shape({ activation }, [x]) {
      const known = activations.includes(activation);
      expect('activation', known, `"${activation}" is no activation function; there are ${activations.join(', ')}`);
      return x;
    },
    apply: (kernels, { activation }, [x]) => kernels.activation(x, activation),
  },
  add: {
    read: (a, b) => ({ tensors: [a, b], attributes: {} }),
    shape: (_, [a, b]) => spread('add', a, b),
    apply: (kernels, _, [a, b]) => kernels.add(a, b),
  },
  subtract: {
    read: (a, b) => ({ tensors: [a, b], attributes: {} }),
    shape(_, [a, b]) {
      expect('subtract', sameShape(a, b), `the shapes ${shapeText(a)} and ${shapeText(b)} differ`);
      return a;
    },
    apply: (kernels, _, [a, b]) => kernels.subtract(a, b),
  },
  multiply: {
    read: (a, b) => ({ tensors: [a, b], attributes: {} }),
    shape: (_, [a, b]) => spread('multiply', a, b),
    apply: (kernels, _, [a, b]) => kernels.multiply(a, b),
  },
  affine: {
    read: (x, factor, offset) => ({
      tensors: [x],
      attributes: { factor, offset },
    }),
    shape({ factor, offset }, [x]) {
      expectNumber('affine', 'factor', factor);
      expectNumber('affine', 'offset', offset);
      return x;
    },
    apply: (kernels, { factor, offset }, [x]) => kernels.affine(x, factor, offset),
  },
  divide: {
    read: (x, divisor) => ({ tensors: [x], attributes: { divisor } }),
    shape({ divisor }, [x]) {
      expectNumber('divide', 'divisor', divisor);
      return x;
    },
    apply: (kernels, { divisor }, [x]) => kernels.divide(x, divisor),
  },
};

/** The shape of a, where b has that shape, too, or one value for each channel of it. */
function spread(operation: string, a: Shape, b: Shape): Shape {
  const spreads = b.length === 2 && a.length > 2 && a[0] === b[0] && a[1] === b[1];
  const message = `${shapeText(b)} neither equals ${shapeText(a)} nor gives one value per channel of it`;
  expect(operation, spreads || sameShape(a, b), message);
  return a;
}
