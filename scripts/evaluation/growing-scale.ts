/**
 * The pictures fixtures/evaluation/growing-scale.png and growing-scale-clipped.png: the same noise under growing
 * guidance, the first pictures of the sweep, without clipping x̂₀ and with it (while ε stays, as is diffusers'
 * default).
 *
 *     npx tsx scripts/evaluation/growing-scale.ts
 */
import { fileURLToPath } from 'node:url';
import { drawPictures } from '../../src/evaluation/drawing.ts';
import { loadModel } from '../../src/cli/model.ts';
import { grid, type GridRow } from '../../src/formats/grid.ts';
import { writeWhole } from '../../src/formats/node-files.ts';
import { encodePng } from '../../src/formats/png.ts';
import type { Guidance } from '../../src/guidance/guidance.ts';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const { unet, schedulerConfig } = await loadModel(`${fixtures}/letters/model`, 'f32');
const backend = simdBackend();
const numbers = Array.from({ length: 16 }, (_, i) => i);

for (const [name, change] of [
  ['growing-scale.png', {}],
  ['growing-scale-clipped.png', { clip_sample: true }],
] as const) {
  const scheduler = createScheduler({ _class_name: 'DDIMScheduler', ...schedulerConfig, ...change }, 10);
  const rows: readonly GridRow[] = [0, 0.5, 1, 2, 4, 8].map((s) => ({
    title: s === 0 ? 's = 0: no guidance' : `s = ${s}`,
    samples: draw(scheduler, s === 0 ? none : pag({ pagScale: s, layers: ['mid_block.attentions.0'] })),
  }));
  writeWhole(`${fixtures}/evaluation/${name}`, encodePng(grid(rows, 2, numbers.length)));
}
backend.dispose();

function draw(scheduler: Scheduler, guidance: Guidance): Tensor {
  const steps = drawPictures(
    { unet, backend, guidanceFor: () => guidance, scheduler, seed: 0, labels: [26], nullLabel: 26 },
    numbers,
  );
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
