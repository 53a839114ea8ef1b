/** The fast kernels, by one thread and by two, are held to the definition on random shapes, and to all laws. */
import { afterAll } from 'vitest';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { repeated } from '../../thorough.ts';
import { describeLaws } from '../laws.ts';

/** Two threads run the code of one on halves of the work; each input costs a module on both. */
const runs = { 1: repeated(40, 8), 2: repeated(40, 4) };

for (const threads of [1, 2] as const) {
  const backend = simdBackend({ threads });
  afterAll(() => backend.dispose());
  describeLaws({ ...backend, name: `${backend.name}, threads: ${threads}` }, 'f32', runs[threads]);
}
