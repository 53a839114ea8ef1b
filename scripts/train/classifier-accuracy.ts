/**
 * How often a noise-aware classifier reads held-out letters right, by the timestep of the noise on them:
 *
 *     npx tsx scripts/train/classifier-accuracy.ts [FOLDER]
 *
 * The first 20 faces of fixtures/letters/held-out.png, 520 letters, each with the noise of its own seed.
 */
import { readLettersSheet } from '../../src/evaluation/letters-sheet.ts';
import { loadClassifierFolder } from '../../src/formats/classifier-folder.ts';
import { folderReader, readBytes } from '../../src/formats/node-files.ts';
import { decodePng } from '../../src/formats/png-reader.ts';
import { noiseClassifier, shippedLetters } from '../../src/cli/shipped.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { runModel } from '../../src/models/passes.ts';
import { createUNetClassifier } from '../../src/models/unet2d-classifier/unet-classifier.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { noiseOf } from '../../src/training/training.ts';
import { levelsAt, noised } from '../../src/training/targets.ts';

const folder = process.argv[2] ?? noiseClassifier;
const { config, weights, schedulerConfig } = await loadClassifierFolder(await folderReader(folder), folder);
const model = createUNetClassifier(config, weights);
const backend = simdBackend({ threads: 1 });
const { noiseSchedule } = noiseOf(schedulerConfig ?? { _class_name: 'DDPMScheduler' });
const pictures = readLettersSheet(decodePng(await readBytes(shippedLetters), shippedLetters), shippedLetters);
const [faces, letters, size] = [20, 26, 32 * 32];
for (const t of [0, 50, 100, 200, 300, 400, 500, 600, 700, 800, 999]) {
  let right = 0;
  for (let face = 0; face < faces; face++) {
    const shape = [letters, 1, 32, 32];
    const data = pictures.data.slice(face * letters * size, (face + 1) * letters * size);
    const levels = levelsAt(
      noiseSchedule,
      Array.from({ length: letters }, () => t),
      'f32',
    );
    const sample = noised({ dtype: 'f32', shape, data }, manualSeed(face).randn(shape), levels);
    const [logits] = runModel(model, backend, { sample, timesteps: [t] }).predictions;
    for (let letter = 0; letter < letters; letter++) {
      const row = [...(logits?.data.subarray(letter * letters, (letter + 1) * letters) ?? [])];
      if (row.indexOf(Math.max(...row)) === letter) right++;
    }
  }
  console.log(`t = ${t}: ${((100 * right) / (faces * letters)).toFixed(1)} % right`);
}
backend.dispose();
