/**
 * `npm start`: letters from the model that ships, drawn twice from the same noise, without guidance and with PAG; and
 * letters from the one that is told in words what to draw.
 */
import { referenceKernels } from '../kernels/plain/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
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
  writePicture(rows);
  console.log(`  ${title}: ${seconds.toFixed(1)} s`);
}

function writePicture(shown: readonly GridRow[]): void {
  makeFolder('out');
  writeWhole(out, encodePng(grid(shown)));
}

/** The same for the model that is told in words what to draw. */
async function drawRowsInWords(): Promise<void> {
  const rowsInWords: GridRow[] = [];
  // Not before it is needed: the first letter would wait for it.
  const { drawWords } = await import('./start-words.ts');
  for await (const { row, seconds } of drawWords(backend, stepCount)) {
    rowsInWords.push(row);
    writeWhole(outInWords, encodePng(grid(rowsInWords)));
    console.log(`  ${row.title}: ${seconds.toFixed(1)} s`);
  }
}

/** Draws a row: the first letter alone, which is there at once, then the others. Together they would be the same. */
async function draw(title: string, guidance: Guidance): Promise<{ row: GridRow; seconds: number }> {
  const started = performance.now();
  const noise = manualSeed(0).randn([count, 1, 32, 32]);
  const first = await drawLetters(title, guidance, referenceKernels.sliceBatch(noise, 0, 1));
  if (rows.length === 0) {
    writePicture([{ title, samples: first }]);
    console.log(`  the first letter after ${(performance.now() / 1000).toFixed(1)} s, already in ${out}`);
  }
  const others = await drawLetters(title, guidance, referenceKernels.sliceBatch(noise, 1, count));
  const samples = referenceKernels.concatBatch([first, others]);
  return { row: { title, samples }, seconds: (performance.now() - started) / 1000 };
}

/** Draws a letter from each sample of noise, without drawing any more noise on the way. */
async function drawLetters(title: string, guidance: Guidance, noise: Tensor): Promise<Tensor> {
  const steps = sampleSteps({
    denoiser: unetDenoiser(unet, backend, { labels: [noLetter], nullLabel: noLetter }),
    guidance,
    scheduler: createScheduler(schedulerConfig ?? { _class_name: 'DDIMScheduler' }, stepCount),
    noise,
    noiseSource: manualSeed(0).randn,
  });
  const progress = createProgress(title);
  progress.update(0, stepCount);
  const preview = process.stderr.isTTY ? createPreview() : undefined;
  const samples = await runBreathing(steps, (step) => {
    preview?.(step.denoised ?? step.sample);
    progress.update(step.index + 1, step.count);
  });
  progress.end();
  return samples;
}
