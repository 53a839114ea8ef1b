/** Train it yourself: a UNet learns in the reader's tab to draw letters, and PAG acts on it at once. */
import { writeTar } from '../../formats/tar.ts';
import { lastOf } from '../../tensor/at.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { samplesOf, type Pictures } from '../../training/pictures.ts';
import { button } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { download } from '../drawing/download.ts';
import { captioned } from '../drawing/figure.ts';
import { lettersSheet } from '../drawing/letters-sheet.ts';
import { noiseButton } from '../drawing/run-controls.ts';
import { lossChart, showDrawn, trainedScale, trainingButtons, trainingStatus } from '../drawing/training.ts';
import type { Section } from '../page.ts';
import { remembered } from '../remembered.ts';
import { noLetter, unasked } from '../study.ts';
import { lettersSource } from '../training/letters-source.ts';
import type { Taken } from '../training/protocol.ts';
import { readerOf, type Reader } from '../training/reading.ts';
import { createTrainer, type Progress, type Trainer } from '../training/trainer.ts';
import { trainedModel } from './commands.ts';

/** What is learned from, what is drawn by now without and with PAG, the loss, and the model to take along. */
export const lettersSection: Section = (root, page) => {
  const trainer = createTrainer(
    () => draw(),
    (model) => save(model, page.state().seed),
  );
  const source = lettersSource(
    async () => (await import('../training/load-letters.ts')).loadLetters(),
    () => draw(),
  );
  const begin = (): void =>
    source.ask((letters) => {
      const state = page.state();
      trainer.learn({ kind: 'letters', letters, seed: state.seed }, state.lettersScale);
    });
  const buttons = trainingButtons(trainer, begin);
  const seed = element('span', { class: 'seed' });
  const sheets = sheetsView();
  const scale = trainedScale('letters-scale', (lettersScale) => page.change({ lettersScale }));
  const losses = lossChart('the mean squared error of v');
  const said = trainingStatus();
  const taking = takingView(trainer);
  root.append(
    element(
      'div',
      { class: 'controls above' },
      ...buttons.all,
      noiseButton(page, 'letters-noise', 'another seed'),
      seed,
    ),
    sheets.root,
    element('div', { class: 'controls' }, scale.root),
    losses.root,
    said.root,
    taking.root,
  );

  const draw = (): void => {
    const state = page.state();
    const { letters, isLoading, problem } = source.state();
    // Another seed is another training.
    if (trainer.task() !== undefined && trainer.task()?.seed !== state.seed) trainer.stop();
    trainer.guide(state.lettersScale);
    const learned = trainer.progress();
    const progress: Progress = problem === undefined ? learned : { ...learned, phase: 'failed', problem };
    setText(seed, `seed ${state.seed}`);
    scale.show(state.lettersScale);
    sheets.show(letters, progress);
    buttons.show(progress, !isLoading);
    losses.show(progress);
    said.show(progress, isLoading ? 'loading the letters' : 'Nothing has been learned yet.');
    taking.show(progress);
    showDrawn(root, progress);
  };
  return draw;
};

/** What is learned from, and what is drawn by now. */
function sheetsView() {
  const taught = sheetView('A to Z, and others, as they should be', 'to be learned');
  const alone = drawnView(
    'A to Z, and what nobody asked for, as the model draws them alone',
    element('b', {}, 'alone'),
  );
  const guided = drawnView(
    'A to Z, and what nobody asked for, as it draws them with PAG',
    'with ',
    element('b', { class: 'pag' }, 'PAG'),
  );
  const readerOnce = remembered(readerOf);
  const taughtOnce = remembered((letters: Pictures) => [someOf(letters)]);
  return {
    root: element('div', { class: 'triple toy sheets' }, taught.root, alone.root, guided.root),
    show(letters: Pictures | undefined, { drawing }: Progress): void {
      const read = letters && readerOnce(letters);
      taught.show(letters && taughtOnce(letters), letters && `: letters of ${facesOf(letters)} faces`);
      alone.show(read, drawing?.alone);
      guided.show(read, drawing?.guided);
    },
  };
}

function sheetView(label: string, ...title: readonly (Node | string)[]) {
  const sheet = lettersSheet(label);
  const caption = element('span', { class: 'number' });
  return {
    root: captioned(sheet.root, ...title, caption),
    show(frames: readonly Tensor[] | undefined, text: string | undefined): void {
      sheet.show(frames);
      setText(caption, text ?? '');
    },
  };
}

/** What is drawn by now, and how much of it can be read. */
function drawnView(label: string, ...title: readonly (Node | string)[]) {
  const { root, show } = sheetView(label, ...title);
  const textOnce = remembered(readText);
  return {
    root,
    show(read: Reader | undefined, frames: readonly Tensor[] | undefined): void {
      show(frames, read && frames && textOnce(read, frames));
    },
  };
}

function facesOf({ labels = [] }: Pictures): number {
  return labels.length / noLetter;
}

/** A to Z, each of another face, and some of all letters. */
function someOf(letters: Pictures): Tensor {
  const faces = facesOf(letters);
  const oneOfEach = Array.from({ length: noLetter }, (_, label) => label + noLetter * ((7 * label) % faces));
  const others = Array.from({ length: unasked }, (_, i) => (379 * (i + 1)) % (noLetter * faces));
  return samplesOf(letters, [...oneOfEach, ...others]);
}

/** Saves the model as a folder in an archive. */
function save({ files }: Taken, seed: number): void {
  const name = trainedModel({ seed });
  const inFolder = new Map([...files].map(([path, bytes]) => [`${name}/${path}`, bytes]));
  download(writeTar(inFolder), 'application/x-tar', `${name}.tar`);
}

/** The model to take along while it rests. */
function takingView(trainer: Trainer) {
  const take = button('save the model', 'save-letters', trainer.take);
  return {
    root: element('div', { class: 'controls' }, take),
    show({ phase }: Progress): void {
      setAttributes(take, { disabled: phase !== 'paused' && phase !== 'done' });
    },
  };
}

/** How many of A to Z are read as what was asked for. To be remembered: it takes some milliseconds. */
function readText(read: Reader, frames: readonly Tensor[]): string {
  // What nobody asked for has a number behind Z.
  const right = read(lastOf(frames)).filter((label, number) => label === number).length;
  return `: ${right} of ${noLetter} read as asked`;
}
