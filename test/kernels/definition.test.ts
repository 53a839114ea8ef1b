/** The definitions: their laws in all four dtypes. What they are, by-hand.test.ts and goldens.test.ts say. */
import { definitionBackend } from '../../src/kernels/definition/index.ts';
import type { DType } from '../../src/tensor/tensor.ts';
import { describeLaws } from './laws.ts';

const backend = definitionBackend();
const DTYPES: readonly DType[] = ['f32', 'f64', 'f16', 'bf16'];
for (const dtype of DTYPES) describeLaws(backend, dtype, 15);
