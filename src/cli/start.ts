/**
 * `npm start`: letters from the model that ships, drawn twice from the same noise, without guidance and with PAG; and
 * letters from the one that is told in words what to draw.
 */
import { manualSeed } from '../tensor/random.ts';
import { fastestHere, threadsHere } from './backend.ts';
import { grid, type GridRow } from '../formats/grid.ts';
import { makeFolder, writeWhole } from '../formats/node-files.ts';
import { encodePng } from '../formats/png.ts';
import type { Guidance } from '../guidance/guidance.ts';
import { none } from '../guidance/none.ts';
import { pag } from '../guidance/pag.ts';
import { unetDenoiser } from '../sampling/denoiser.ts';
import { sampleSteps } from '../sampling/sample.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { selectLayers } from '../models/selectors.ts';
import { runBreathing } from './breathing.ts';
import { loadModel } from './model.ts';
import { createPreview } from './preview.ts';
import { createProgress } from './progress.ts';
import { lettersModel } from './shipped.ts';
import { drawWords } from './start-words.ts';

const noLetter = 26;
const count = 8;
const stepCount = 20;
const pagScale = 2;

const out = 'out/letters.png';
const outInWords = 'out/words.png';

const { unet, schedulerConfig } = await loadModel(lettersModel, 'f32');
const backend = fastestHere({ threads: threadsHere() });
const layers = selectLayers(['mid'], unet.attentionLayers);
const weightCount = [...unet.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
console.log(
  `The model: ${unet.attentionLayers.length} self-attention layers, ${weightCount} weights, trained on letters.`,
);
console.log(
  `Drawing ${count} letters twice from the same noise, ${stepCount} steps of DDIM, on the ${backend.name} kernels.`,
);

const rows: GridRow[] = [];
await drawRow('no guidance', none);
await drawRow(`PAG, s = ${pagScale}, the identity in ${layers.join(', ')}`, pag({ pagScale, layers }));
console.log(`Side by side: ${out}`);
await drawRowsInWords();
backend.dispose();
console.log(`And what words say: ${outInWords}`);
process.exit(0);

/** The picture is there from the first row on. */
async function drawRow(title: string, guidance: Guidance): Promise<void> {
  const { row, seconds } = await draw(title, guidance);
  rows.push(row);
  makeFolder('out');
  writeWhole(out, encodePng(grid(rows)));
  console.log(`  ${title}: ${seconds.toFixed(1)} s`);
}

/** The same for the model that is told in words what to draw. */
async function drawRowsInWords(): Promise<void> {
  const rowsInWords: GridRow[] = [];
  for await (const { row, seconds } of drawWords(backend, stepCount)) {
    rowsInWords.push(row);
    writeWhole(outInWords, encodePng(grid(rowsInWords)));
    console.log(`  ${row.title}: ${seconds.toFixed(1)} s`);
  }
}

async function draw(title: string, guidance: Guidance): Promise<{ row: GridRow; seconds: number }> {
  const generator = manualSeed(0);
  const labels = Array.from({ length: count }, () => noLetter);
  const steps = sampleSteps({
    denoiser: unetDenoiser(unet, backend, { labels, nullLabel: noLetter }),
    guidance,
    scheduler: createScheduler(schedulerConfig ?? { _class_name: 'DDIMScheduler' }, stepCount),
    noise: generator.randn([count, 1, 32, 32]),
    noiseSource: (shape) => generator.randn(shape),
  });
  const started = performance.now();
  const progress = createProgress(title);
  progress.update(0, stepCount);
  const preview = process.stderr.isTTY ? createPreview() : undefined;
  const samples = await runBreathing(steps, (step) => {
    preview?.(step.denoised ?? step.sample);
    progress.update(step.index + 1, step.count);
  });
  progress.end();
  return { row: { title, samples }, seconds: (performance.now() - started) / 1000 };
}
