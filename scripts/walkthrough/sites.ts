/**
 * What the identity in one attention layer changes, layer by layer: how far ε moves, how much of the change of x̂₀ is
 * in its large shapes, and how much fine detail is left. Of pictures that nobody asked for, by the model of the page.
 *
 *     npx tsx scripts/walkthrough/sites.ts            (writes fixtures/evaluation/sites.json)
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { present } from '../../src/walkthrough/checked.ts';
import { noLetter } from '../../src/walkthrough/study.ts';
import { influences, shareOfShapes } from '../../src/walkthrough/work/influence.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { noiseOf } from '../../src/walkthrough/work/noise.ts';
import { passes } from '../../src/walkthrough/work/passes.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { finest, powerLeft } from '../../src/walkthrough/work/spectrum.ts';
import { loadPageModel } from './page-model.ts';

/** The first noises of seed 0, and the steps at which the network is looked at. */
const [pictures, steps] = [8, [2, 5, 10]];
/** From so many waves across the picture on, detail is fine. */
const fine = finest / 2 + 1;

/** What the identity in a layer changes, on average over the pictures. */
export interface SiteFigures {
  readonly layer: string;
  /** ‖ε − ε̂‖ / ‖ε‖ in percent. */
  readonly moved: number;
  /** Percent of the change of x̂₀ that is in large shapes. */
  readonly shapes: number;
  /** Percent of the power of fine detail that is left in x̂₀. */
  readonly detail: number;
}

/** The figures of all layers at a step. */
export function sitesAt(model: Model, step: number): readonly SiteFigures[] {
  const layers = model.unet.attentionLayers;
  const each = Array.from({ length: pictures }, (_, slice) => changesOf(model, step, slice));
  return layers.map((layer, i) => {
    const mean = (name: 'moved' | 'shapes' | 'detail', digits: number): number => {
      const sum = each.reduce((total, changes) => total + present(changes[i], layer)[name], 0);
      return Number(((100 * sum) / pictures).toFixed(digits));
    };
    return { layer, moved: mean('moved', 2), shapes: mean('shapes', 1), detail: mean('detail', 1) };
  });
}

/** What changes in one picture, for each layer. */
function changesOf(model: Model, step: number, slice: number) {
  const run = { seed: 0, slices: [slice], labels: [noLetter], guidance: { kind: 'none' } } as const;
  const sample = pictureBefore(model, run, step);
  const perturbations = model.unet.attentionLayers.map((layer) => [layer]);
  const request = { sample, index: step, label: noLetter, perturbations, unconditional: false, taps: [] };
  const result = present([...passes(model, request)][0], 'result');
  const believed = (prediction: Tensor) => model.scheduler.predictOriginal(sample, prediction, step).data;
  const [whole, moved] = [believed(result.plain), influences(result)];
  return result.perturbed.map((prediction, i) => {
    const spoilt = believed(prediction);
    const left = powerLeft(whole, spoilt).slice(fine - 1);
    const detail = left.reduce((sum, share) => sum + share, 0) / left.length;
    return { moved: present(moved[i], 'influence'), shapes: shareOfShapes(whole, spoilt), detail };
  });
}

/** x_t before a step of the run. */
function pictureBefore(model: Model, run: Parameters<typeof sampleRun>[1], step: number): Tensor {
  for (const { index, sample } of sampleRun(model, run)) if (index === step - 1) return sample;
  return noiseOf(run);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const model = await loadPageModel();
  const figures = Object.fromEntries(steps.map((step) => [step, sitesAt(model, step)]));
  const target = fileURLToPath(new URL('../../fixtures/evaluation/sites.json', import.meta.url));
  await writeFile(target, `${JSON.stringify({ pictures, figures }, undefined, 2)}\n`);
}
