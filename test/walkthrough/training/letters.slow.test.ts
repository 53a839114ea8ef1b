import { describe, expect, it } from 'vitest';
import { learnedLetters } from '../../../scripts/walkthrough/letters.ts';
import { loadModelFolder } from '../../../src/formats/diffusers.ts';
import { pag } from '../../../src/guidance/pag.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { createUNet } from '../../../src/models/unet2d/unet.ts';
import { unetDenoiser } from '../../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../../src/sampling/sample.ts';
import { createScheduler } from '../../../src/schedulers/registry.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { createClassroom } from '../../../src/walkthrough/training/classroom.ts';
import { lettersLesson } from '../../../src/walkthrough/training/letters.ts';
import { lettersOf } from '../../../src/walkthrough/training/letters-file.ts';
import type { FromTrainer, Taken } from '../../../src/walkthrough/training/protocol.ts';

const [seed, scale] = [3, 1.5];
const letters = lettersOf(learnedLetters());
const backend = simdBackend();

/** What a worker says that learns for some turns, is paused, and is asked for its model. */
function learned(turns: number): readonly FromTrainer[] {
  const said: FromTrainer[] = [];
  let turn = (): void => undefined;
  const hear = createClassroom(
    () => ({ lesson: lettersLesson(letters, seed), backend }),
    (message) => said.push(message),
    (action) => {
      turn = action;
      return () => undefined;
    },
  );
  hear({ kind: 'learn', task: { kind: 'letters', letters, seed }, scale });
  for (let i = 0; i < turns; i++) turn();
  hear({ kind: 'pause' });
  turn();
  hear({ kind: 'take' });
  return said;
}

/** What the library draws with the files of a folder, as `pag sample` does. */
async function drawnWith(files: Taken['files']): Promise<Tensor> {
  const { config, weights, schedulerConfig, warnings } = await loadModelFolder(async (path) => files.get(path), 'mine');
  expect(warnings).toEqual([]);
  const labels = Array.from({ length: 26 }, (_, label) => label);
  return sampleToEnd({
    denoiser: unetDenoiser(createUNet(config, weights), backend, { labels, nullLabel: 26 }),
    guidance: pag({ pagScale: scale, layers: ['down', 'mid', 'up'] }),
    scheduler: createScheduler(schedulerConfig!, 12),
    noise: manualSeed(seed).randn([26, 1, 16, 16]),
    noiseSource: manualSeed(0).randn,
  });
}

describe('a model of letters', () => {
  it('is given away as it is: what is saved draws the same bits', async () => {
    const said = learned(4); // a drawing and three steps
    const [first, drawing, taken] = said.filter(({ kind }) => kind === 'drawn' || kind === 'taken');
    if (first?.kind !== 'drawn' || drawing?.kind !== 'drawn' || taken?.kind !== 'taken') throw new Error('not taken');
    expect([first.drawing.step, drawing.drawing.step]).toEqual([0, 3]);
    expect(await drawnWith(taken.files)).toEqual(drawing.drawing.guided.at(-1));
    expect(drawing.drawing.guided).not.toEqual(first.drawing.guided);
  });
});
