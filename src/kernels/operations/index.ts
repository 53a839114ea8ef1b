/**
 * The table of operations: one row a kind, so that a kernel that is missing here is a type error. Whoever adds an
 * operation begins here; CONTRIBUTING.md says where it goes on.
 */
import { withMethods, type Check } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { shown } from '../../tensor/shown.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../kernels.ts';
import { arrangement } from './arrangement.ts';
import { attention } from './attention.ts';
import { expect, expectNumbers, expectTensors } from './checks.ts';
import { elementwise } from './elementwise.ts';
import { gradients } from './gradients.ts';
import { norms } from './norms.ts';
import type { Attributes, Call, Kind, Operation, Rows, Shape } from './operation.ts';
import { products } from './products.ts';

export type {
  Attributes,
  Call,
  HeadAttributes,
  KernelAttributes,
  Kind,
  NoAttributes,
  Operation,
  OperationOf,
  PlaceAttributes,
  Row,
  Rows,
  Shape,
  SizeAttributes,
  SliceAttributes,
} from './operation.ts';

/** All operations, by kind. */
export const operations: Rows<Kind> = {
  ...products,
  ...norms,
  ...attention,
  ...elementwise,
  ...arrangement,
  ...gradients,
};

/** The names of all operations. */
export const kinds: readonly Kind[] = Object.keys(operations) as Kind[];

/** All kernels, and not a backend. */
export const allKernels: Check = withMethods<Kernels>('kernels, as referenceKernels', ...kinds, 'joinedConv2d');

/**
 * A row whose kind is not known: it is given the attributes, or the arguments, of the operation it was looked up for.
 */
interface AnyRow {
  read(...given: readonly unknown[]): Call<Kind>;
  shape(attributes: Attributes[Kind], shapes: readonly Shape[]): Shape;
  products?(attributes: Attributes[Kind], shapes: readonly Shape[]): number;
  apply(kernels: Kernels, attributes: Attributes[Kind], tensors: readonly Tensor[]): Tensor;
}

function rowOf(kind: Kind): AnyRow {
  if (Object.hasOwn(operations, kind)) return operations[kind] as unknown as AnyRow;
  throw new InputError(`there is no operation ${shown(kind)}; there are ${kinds.join(', ')}`);
}

/** Of what is no operation, undefined. */
function kindOf(operation: Operation): Kind {
  return (Object(operation) as Operation).kind;
}

/**
 * The shape of an operation's result.
 * @param shapes of its tensors, in the order of the kernel's arguments; so in the functions below
 * @throws InputError when shapes or numbers do not fit together
 */
export function shapeOf(operation: Operation, shapes: readonly Shape[]): Shape {
  return rowOf(kindOf(operation)).shape(operation, shapes);
}

/** How many multiplications an operation does in its sums of products, each of which has its addition. */
export function productsOf(operation: Operation, shapes: readonly Shape[]): number {
  return rowOf(kindOf(operation)).products?.(operation, shapes) ?? 0;
}

/**
 * Runs an operation: the kernel of its name, called with its tensors and numbers.
 * @throws InputError as the kernels do
 */
export function applyOperation(kernels: Kernels, operation: Operation, tensors: readonly Tensor[]): Tensor {
  return rowOf(kindOf(operation)).apply(kernels, operation, tensors);
}

/** What `kernelsFrom` asks of whoever carries out the calls. */
export interface Runner {
  /**
   * Carries out an operation that has been checked.
   * @param shape of the result
   */
  operation(operation: Operation, tensors: readonly Tensor[], shape: Shape): Tensor;
  /** The one kernel that is no operation. */
  readonly joinedConv2d: Kernels['joinedConv2d'];
}

/**
 * Kernels that check what they are given (one dtype, shapes and numbers that fit) and then hand the call on.
 * @returns kernels that throw an InputError naming the operation, what was found and what was expected
 */
export function kernelsFrom(runner: Runner): Kernels {
  const kernel = (kind: Kind) => {
    const run = (...given: readonly unknown[]): Tensor => {
      const { tensors, attributes } = rowOf(kind).read(...given);
      const operation = { kind, ...attributes } as Operation;
      expectTensors(kind, tensors);
      const shapes = tensors.map(({ shape }) => shape);
      return runner.operation(operation, tensors, shapeOf(operation, shapes));
    };
    return [kind, run] as const;
  };
  return {
    ...(Object.fromEntries(kinds.map(kernel)) as unknown as Omit<Kernels, 'joinedConv2d'>),
    joinedConv2d(x, weight, bias, stride, padding, seam) {
      const { tensors } = operations.conv2d.read(x, weight, bias, stride, padding);
      expectTensors('joinedConv2d', tensors);
      operations.conv2d.shape(
        { stride, padding },
        tensors.map(({ shape }) => shape),
      );
      const channels = x.shape[1];
      const parts = Number.isInteger(seam) && seam > 0 && seam < channels;
      expect('joinedConv2d', parts, `a seam at ${shown(seam)} does not part ${channels} channels in two`);
      return runner.joinedConv2d(x, weight, bias, stride, padding, seam);
    },
  };
}

/**
 * The same kernels, with all that they are given checked before they compute.
 * @returns kernels that throw an InputError naming the operation, what was found and what was expected
 */
export function checked(kernels: Kernels): Kernels {
  return kernelsFrom({
    operation(operation, tensors) {
      expectNumbers(operation.kind, tensors);
      return applyOperation(kernels, operation, tensors);
    },
    joinedConv2d(x, weight, bias, ...others) {
      expectNumbers('joinedConv2d', bias ? [x, weight, bias] : [x, weight]);
      return kernels.joinedConv2d(x, weight, bias, ...others);
    },
  });
}
