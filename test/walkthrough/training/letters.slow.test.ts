/** The model of letters: what is saved draws the same bits; a whole training ends as the page says. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { learnedLetters } from '../../../scripts/walkthrough/letters.ts';
import { listedLabels } from '../../../src/cli/class-labels.ts';
import { runCommand } from '../../../src/cli/commands.ts';
import { readOptions } from '../../../src/cli/options.ts';
import { parseSafetensors, readTensor } from '../../../src/formats/safetensors.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { samplesOf } from '../../../src/training/pictures.ts';
import { trainedCommand, trainedModel } from '../../../src/walkthrough/sections/commands.ts';
import { createClassroom } from '../../../src/walkthrough/training/classroom.ts';
import { lettersLesson } from '../../../src/walkthrough/training/letters.ts';
import type { Lesson } from '../../../src/walkthrough/training/lesson.ts';
import { lettersOf } from '../../../src/walkthrough/training/letters-file.ts';
import type { FromTrainer, Taken } from '../../../src/walkthrough/training/protocol.ts';
import { readerOf } from '../../../src/walkthrough/training/reading.ts';
import { initialState as firstSeen } from '../../../src/walkthrough/state.ts';
import { noLetter } from '../../../src/walkthrough/study.ts';
import { capturePrinted } from '../../cli/console.ts';
import { thorough } from '../../thorough.ts';
import { digestOf } from '../library.ts';
import { drawnAfter } from './learned.ts';
import { figures } from './letters-figures.ts';

const [seed, scale] = [3, 1.5];
const letters = lettersOf(learnedLetters());
const read = readerOf(letters);
capturePrinted();

/** A to C, and what nobody asked for: the command is asked for what the lesson draws, here and in full. */
const few = [0, 1, 2, noLetter];

/** The lesson, which draws a few of its pictures. */
function shortLesson(): Lesson {
  const lesson = lettersLesson(letters, seed);
  const noise = manualSeed(seed).randn([few.length, ...lesson.noise.shape.slice(1)]);
  return { ...lesson, noise, asked: { ...lesson.asked, labels: few } };
}

/** What a worker says that learns for some turns, is paused, and is asked for its model. */
function learned(turns: number): readonly FromTrainer[] {
  const said: FromTrainer[] = [];
  let turn = (): void => undefined;
  const hear = createClassroom(
    () => ({ lesson: shortLesson(), backend: simdBackend() }),
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

/** What the command below the button draws with the files of a folder. */
async function drawnByCommand(files: Taken['files']): Promise<Tensor> {
  const folder = mkdtempSync(join(tmpdir(), 'pag-letters-'));
  try {
    for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    const command = trainedCommand({ seed, lettersScale: scale });
    const words = command.slice(command.indexOf(' -- ') + 4).split(' ');
    const latents = join(folder, 'latents.safetensors');
    const named = words.slice(0, -2).map((word) => (word === trainedModel({ seed }) ? folder : word));
    const labels = named.indexOf('--labels') + 1;
    const asked = listedLabels(readOptions(['--labels', named[labels] ?? ''], { labels: 'text' }));
    expect(asked).toEqual(lettersLesson(letters, seed).asked?.labels);
    named[labels] = few.join();
    expect(await runCommand([...named, '--latents', latents])).toBe(0);
    return readTensor(parseSafetensors(readFileSync(latents), latents), 'sample');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a model of letters', () => {
  it('is given away as it is: with what is saved the command draws the same bits', async () => {
    const said = learned(4); // a drawing and three steps
    const [first, drawing, taken] = said.filter(({ kind }) => kind === 'drawn' || kind === 'taken');
    if (first?.kind !== 'drawn' || drawing?.kind !== 'drawn' || taken?.kind !== 'taken') throw new Error('not taken');
    expect([first.drawing.step, drawing.drawing.step]).toEqual([0, 3]);
    expect(digestOf(await drawnByCommand(taken.files))).toBe(digestOf(drawing.drawing.guided.at(-1)!));
    expect(drawing.drawing.guided).not.toEqual(first.drawing.guided);
  });
});

/** What the model draws after some of the steps, alone and with PAG. */
function drawnWith(seed: number, marks: readonly number[]): readonly (readonly Tensor[])[] {
  return drawnAfter(lettersLesson(letters, seed), marks, firstSeen.lettersScale);
}

/** How many of A to Z are read as asked. */
function rightOf(drawn: Tensor): string {
  return String(read(drawn).filter((label, number) => label === number).length);
}

/** How much of pictures has ink, in percent. @param count of them, from the first */
function inkOf({ data }: Tensor, count: number): string {
  const shown = [...data.subarray(0, count * 16 * 16)].map((value) => (Math.max(-1, Math.min(1, value)) + 1) / 2);
  return ((100 * shown.reduce((sum, value) => sum + value, 0)) / shown.length).toFixed(0);
}

// Whole trainings; what a lesson does is asked of a few steps above.
describe.runIf(thorough)('the model of letters, whole', () => {
  it('draws letters that are read as the page says, and PAG makes no more of them readable', () => {
    const [early, late] = drawnWith(firstSeen.seed, [200, 1000]);
    expect(early.map(rightOf)).toEqual(figures['seed 0, 200 steps']);
    expect(late.map(rightOf)).toEqual(figures['seed 0, 1000 steps']);
    expect(late.map((drawn) => inkOf(drawn, 26))).toEqual(figures.ink.slice(1));
    const numbers = [...letters.labels!.keys()];
    expect(inkOf(samplesOf(letters, numbers), numbers.length)).toBe(figures.ink[0]);
  }, 600_000);

  it('does so with the next seed', () => {
    const [late] = drawnWith(firstSeen.seed + 1, [1000]);
    expect(late.map(rightOf)).toEqual(figures['seed 1, 1000 steps']);
  }, 600_000);
});
