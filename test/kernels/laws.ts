/**
 * What holds for the kernels, whoever implements them: one body of tests for the definition, the plain loops and the
 * fast kernels. All equalities are of bits unless a test says otherwise.
 */
import { describe } from 'vitest';
import type { Backend } from '../../src/kernels/kernels.ts';
import type { DType } from '../../src/tensor/tensor.ts';
import { lawsOfArrangement } from './laws/arrangement.ts';
import { lawsOfAttention } from './laws/attention.ts';
import { lawsOfEveryKernel } from './laws/every-kernel.ts';
import { repeated } from '../thorough.ts';
import { heldToDefinition } from './laws/held-to-definition.ts';
import { subjectOf } from './laws/law.ts';
import { lawsOfNorms } from './laws/norms.ts';
import { lawsOfProducts } from './laws/products.ts';

/** Declares the tests of `backend` for one dtype. @param numRuns how many random inputs each law is asked of */
export function describeLaws(backend: Backend, dtype: DType, numRuns = repeated(40)): void {
  const subject = subjectOf(backend, dtype, numRuns);
  // The definition is itself, which says nothing: by-hand.test.ts says what it is.
  if (backend.name !== 'definition') {
    describe(`${backend.name} kernels, ${dtype}: the definitions, bit for bit`, () => heldToDefinition(subject));
  }
  describe(`${backend.name} kernels, ${dtype}: laws`, () => {
    lawsOfEveryKernel(subject);
    lawsOfProducts(subject);
    lawsOfNorms(subject);
    lawsOfAttention(subject);
    lawsOfArrangement(subject);
  });
}
