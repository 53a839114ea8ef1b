/** The fast kernels, by one thread and by two, are held to the definition on random shapes, and to all laws. */
import { afterAll } from 'vitest';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { describeLaws } from '../laws.ts';

for (const threads of [1, 2]) {
  const backend = simdBackend({ threads });
  afterAll(() => backend.dispose());
  describeLaws({ ...backend, name: `${backend.name}, threads: ${threads}` }, 'f32');
}
