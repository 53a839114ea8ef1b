/**
 * Does PAG help posterior sampling? Letters of faces that the model has not seen, damaged in seven ways, restored with
 * and without PAG:
 *
 *     npx tsx scripts/evaluation/restoration.ts --model FOLDER [--out out/restoration.json] [--for SECONDS]
 *         [--rounds N]
 *     npx tsx scripts/evaluation/restoration.ts --report [--out out/restoration.json]
 *
 * It goes in rounds of 26 letters, A to Z, each of another face, every task and guidance in turn; stopped at any
 * moment, it goes on from there. Letter i has the noise of `torch.manual_seed(i)`. `--report` writes
 * fixtures/evaluation/restoration.json and restoration.md.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { realLetters } from '../../src/cli/evaluate.ts';
import { loadLetterClassifier } from '../../src/cli/evaluation-job.ts';
import { loadModel } from '../../src/cli/model.ts';
import { readOptions } from '../../src/cli/options.ts';
import { measurementOf, tasks, type Task } from '../../src/cli/restoration-task.ts';
import { peakRatios } from '../../src/cli/restore.ts';
import { shippedLetters } from '../../src/cli/shipped.ts';
import { bootstrap, type Estimate } from '../../src/evaluation/bootstrap.ts';
import { look } from '../../src/evaluation/drawing.ts';
import { fitGaussian, frechetDistanceTo } from '../../src/evaluation/frechet.ts';
import { readLettersSheet } from '../../src/evaluation/letters-sheet.ts';
import { readBytes, writeWhole } from '../../src/formats/node-files.ts';
import { decodePng } from '../../src/formats/png-reader.ts';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { measure } from '../../src/restoration/measurement.ts';
import { restoring } from '../../src/restoration/posterior.ts';
import { modelSlope } from '../../src/models/slope.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { noiseFrom } from '../../src/sampling/noise.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { addScaled, norm, subtract } from '../../src/tensor/arithmetic.ts';
import { at } from '../../src/tensor/at.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { sixDigits } from './six-digits.ts';

const [letters, size, featureCount] = [26, 32, 64];
const [steps, weight, noiseLevel, noLetter] = [20, 8, 0.05, 26];
/** In the order of importance. */
const order: readonly Task[] = ['sr4', 'inpaint', 'gaussian-blur', 'sr8', 'denoise', 'motion-blur', 'inpaint-random'];
const guidances = {
  'no guidance': none,
  'PAG, s = 1': pag({ pagScale: 1, layers: ['mid_block.attentions.0'] }),
} as const;
type GuidanceName = keyof typeof guidances;
const names = Object.keys(guidances) as GuidanceName[];

/** What is known of one restored letter. */
interface Restored {
  /** In dB. */
  readonly psnr: number;
  /** How far its features are from those of the whole letter. */
  readonly distance: number;
  readonly features: readonly number[];
}
/** By task and guidance, in the order of the letters. */
type Records = Record<string, Restored[]>;

const options = readOptions(process.argv.slice(2), {
  model: 'text',
  out: 'text',
  for: 'text',
  rounds: 'text',
  report: 'flag',
});
const out = options.text('out') ?? 'out/restoration.json';
const records: Records = existsSync(out) ? (JSON.parse(readFileSync(out, 'utf8')) as Records) : {};
const keyOf = (task: Task, guidance: string): string => `${task}, ${guidance}`;

const backend = simdBackend({ threads: 1 });
const sheet = readLettersSheet(decodePng(await readBytes(shippedLetters), shippedLetters), shippedLetters);
const classifier = await loadLetterClassifier();
if (options.has('report')) await report();
else await restoreAll(options.required('model'));
backend.dispose();

async function restoreAll(folder: string): Promise<void> {
  const { unet, schedulerConfig } = await loadModel(folder, 'f32');
  const end = performance.now() + 1000 * (options.number('for', 0) ?? Infinity);
  for (let round = 0; round < (options.integer('rounds', 1) ?? 4); round++) {
    for (const task of order) {
      for (const name of names) {
        const known = records[keyOf(task, name)] ?? [];
        records[keyOf(task, name)] = known;
        if (known.length > round * letters) continue;
        if (performance.now() > end) return;
        known.push(...(await restoreRound(task, name, round)));
        writeWhole(out, new TextEncoder().encode(JSON.stringify(records)));
        console.log(`${new Date().toISOString().slice(11, 19)}  ${keyOf(task, name)}: ${known.length} letters`);
      }
    }
  }

  async function restoreRound(task: Task, name: GuidanceName, round: number): Promise<readonly Restored[]> {
    const numbers = Array.from({ length: letters }, (_, i) => round * letters + i);
    const whole = wholeLetters(numbers);
    const measurement = await measurementOf(task, [size, size], undefined);
    const clean = measure(measurement, whole);
    const measured = addScaled(
      clean,
      noiseLevel,
      noiseFrom(
        numbers.map((i) => manualSeed(1e6 + i)),
        'f32',
      )(clean.shape),
    );
    const noiseSource = noiseFrom(
      numbers.map((i) => manualSeed(i)),
      'f32',
    );
    const noise = noiseSource(whole.shape);
    const labels = numbers.map(() => noLetter);
    const scheduler = createScheduler({ ...schedulerConfig, _class_name: 'DDPMScheduler', clip_sample: false }, steps);
    const slope = modelSlope(unet, backend, { classLabels: labels });
    const sample = sampleToEnd({
      denoiser: unetDenoiser(unet, backend, { labels }),
      guidance: guidances[name],
      scheduler: restoring(scheduler, { measurement, measured, weight }, slope, noise),
      noise,
      noiseSource,
    });
    const [seen, real] = [sample, whole].map((pictures) => look(classifier, backend, pictures).features);
    const distances = norm(subtract(seen as Tensor, real as Tensor));
    return peakRatios(sample, whole).map((psnr, i) => ({
      psnr,
      distance: at(distances, i),
      features: [...(seen as Tensor).data.subarray(i * featureCount, (i + 1) * featureCount)],
    }));
  }
}

/** Letter i mod 26 of face i, [n,1,32,32]. */
function wholeLetters(numbers: readonly number[]): Tensor {
  const pixels = size * size;
  const data = new Float32Array(numbers.length * pixels);
  for (const [place, i] of numbers.entries()) {
    const start = (i * letters + (i % letters)) * pixels;
    data.set(sheet.data.subarray(start, start + pixels), place * pixels);
  }
  return tensor('f32', [numbers.length, 1, size, size], data);
}

/** A row of the table. */
interface Row {
  readonly task: Task;
  readonly guidance: string;
  readonly letters: number;
  readonly psnr: Estimate;
  readonly distance: Estimate;
  readonly frechet: Estimate;
  /** Against no guidance, letter by letter. */
  readonly change?: { readonly psnr: Estimate; readonly distance: Estimate; readonly frechet: Estimate };
}

async function report(): Promise<void> {
  const real = await realLetters(shippedLetters, classifier, backend);
  const toReal = frechetDistanceTo(fitGaussian(real.features));
  const frechet = (found: readonly Restored[]) => (chosen: readonly number[]) =>
    toReal(fitGaussian(featuresOf(chosen.map((i) => at(found, i)))));
  const mean = (found: readonly Restored[], key: 'psnr' | 'distance') => (chosen: readonly number[]) =>
    chosen.reduce((sum, i) => sum + at(found, i)[key] / chosen.length, 0);
  const rows = tasks.flatMap((task) => {
    const [plain = [], guided = []] = names.map((name) => records[keyOf(task, name)] ?? []);
    const count = Math.min(plain.length, guided.length);
    const estimate = (statistic: (chosen: readonly number[]) => number): Estimate => bootstrap(count, statistic);
    const figures = (found: readonly Restored[]) => ({
      psnr: estimate(mean(found, 'psnr')),
      distance: estimate(mean(found, 'distance')),
      frechet: estimate(frechet(found)),
    });
    const less = (of: (found: readonly Restored[]) => (chosen: readonly number[]) => number): Estimate =>
      estimate((chosen) => of(guided)(chosen) - of(plain)(chosen));
    if (count === 0) return [];
    const change = {
      psnr: less((found) => mean(found, 'psnr')),
      distance: less((found) => mean(found, 'distance')),
      frechet: less(frechet),
    };
    return [
      { task, guidance: at(names, 0), letters: count, ...figures(plain) },
      { task, guidance: at(names, 1), letters: count, ...figures(guided), change },
    ];
  });
  const folder = fileURLToPath(new URL('../../fixtures/evaluation/', import.meta.url));
  writeWhole(`${folder}restoration.json`, new TextEncoder().encode(sixDigits(rows)));
  writeWhole(`${folder}restoration.md`, new TextEncoder().encode(tableOf(rows)));
}

function featuresOf(found: readonly Restored[]): Tensor {
  const data = Float32Array.from(found.flatMap(({ features }) => features));
  return tensor('f32', [found.length, featureCount], data);
}

function tableOf(rows: readonly Row[]): string {
  const cell = (key: 'psnr' | 'distance' | 'frechet', row: Row): string => {
    const digits = key === 'frechet' ? 1 : 2;
    const text = ({ value, low, high }: Estimate): string =>
      `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`.replaceAll('-', '−');
    return row.change ? `${text(row[key])}<br>change ${text(row.change[key])}` : text(row[key]);
  };
  const lines = rows.map((row) =>
    [
      `${row.task}, ${row.letters} letters`,
      row.guidance,
      cell('psnr', row),
      cell('distance', row),
      cell('frechet', row),
    ].join(' | '),
  );
  return [
    '<!-- Made by scripts/evaluation/restoration.ts. -->',
    '# Letters restored, with and without PAG\n',
    '| task | guidance | PSNR in dB ↑ | feature distance ↓ | Fréchet distance ↓ |',
    '| --- | --- | ---: | ---: | ---: |',
    ...lines.map((line) => `| ${line} |`),
    '',
  ].join('\n');
}
