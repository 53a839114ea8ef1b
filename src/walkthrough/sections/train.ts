/** Train it yourself: a model of points learns in the reader's tab, and PAG acts on it at once. */
import { manualSeed } from '../../tensor/random.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { button, choice } from '../drawing/controls.ts';
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { captioned } from '../drawing/figure.ts';
import { inkPad } from '../drawing/ink-pad.ts';
import { paintLetter } from '../drawing/picture.ts';
import { pointsView } from '../drawing/points-view.ts';
import { lossChart, showDrawn, trainedScale, trainingButtons, trainingStatus } from '../drawing/training.ts';
import type { Page, Section } from '../page.ts';
import { remembered, rememberedLater } from '../remembered.ts';
import type { State } from '../state.ts';
import type { Task } from '../training/protocol.ts';
import { fitOf, pointsFrom, shapeOf, shapes, type Shape } from '../training/shapes.ts';
import { createTrainer } from '../training/trainer.ts';
import { blank, pictureOf, type Ink } from '../work/own.ts';

/** So many points are shown of what is to be learned, and the seed that they are drawn with. */
const fresh = { count: 400, seed: 1 };

/** What is to be learned, what is drawn by now without and with PAG, and the loss. */
export const trainSection: Section = (root, page) => {
  const trainer = createTrainer(() => draw());
  const shape = choice('lesson', 'learn', lessons, (lesson) => page.change({ lesson }));
  const taught = taughtView(page);
  const views = { alone: drawnView('what the model draws alone'), guided: drawnView('what it draws with PAG') };
  const scale = trainedScale('lesson-scale', (lessonScale) => page.change({ lessonScale }));
  const task = remembered(taskOf);
  const current = (): PointsTask => {
    const { lesson, sketch, seed } = page.state();
    return task(lesson, sketch, seed);
  };
  const buttons = trainingButtons(trainer, () => trainer.learn(current(), page.state().lessonScale));
  const losses = lossChart('the mean squared error of ε');
  const said = trainingStatus();
  root.append(
    element('div', { class: 'controls above' }, shape.root, ...buttons.all),
    element(
      'div',
      { class: 'triple toy' },
      taught.root,
      captioned(views.alone.root, element('b', {}, 'alone'), views.alone.caption),
      captioned(views.guided.root, 'with ', element('b', { class: 'pag' }, 'PAG'), views.guided.caption),
    ),
    element('div', { class: 'controls' }, scale.root),
    losses.root,
    said.root,
  );

  const draw = (): void => {
    const state = page.state();
    const asked = current();
    // Another shape or seed is another training.
    if (trainer.task() !== undefined && trainer.task() !== asked) trainer.stop();
    trainer.guide(state.lessonScale);
    const progress = trainer.progress();
    shape.show(state.lesson);
    scale.show(state.lessonScale);
    taught.show(asked.shape, state);
    views.alone.show(asked.shape, progress.drawing?.alone);
    views.guided.show(asked.shape, progress.drawing?.guided);
    buttons.show(progress, asked.shape.length > 0);
    losses.show(progress);
    said.show(progress, asked.shape.length === 0 ? 'Draw something to learn.' : 'Nothing has been learned yet.');
    showDrawn(root, progress);
  };
  return draw;
};

type PointsTask = Extract<Task, { kind: 'points' }>;

const lessons: readonly (readonly [State['lesson'], string])[] = [
  ['spiral', 'a spiral'],
  ['moons', 'two moons'],
  ['letter', 'an A'],
  ['own', 'your own'],
];

function taskOf(lesson: State['lesson'], sketch: Ink, seed: number): PointsTask {
  return { kind: 'points', shape: lesson === 'own' ? shapeOf(sketch) : shapes[lesson], seed };
}

/** Points of the shape; of the reader's own the paper that it is drawn on. */
function taughtView(page: Page) {
  const view = pointsView('points of the shape that is to be learned');
  const paper = inkPad(
    'a shape',
    () => page.state().sketch,
    (sketch) => page.change({ sketch }),
  );
  const clear = button('blank paper', 'blank-sketch', () => page.change({ sketch: blank }));
  const caption = element('span', { class: 'number' });
  const again = (): void => page.change({});
  const pointsOf = (shape: Shape): readonly Tensor[] => [pointsFrom(shape, fresh.count, manualSeed(fresh.seed))];
  const points = rememberedLater(pointsOf, again);
  const fits = rememberedLater((shape: Shape) => fitText(pointsOf(shape), shape), again);
  const pictureOnce = remembered(pictureOf);
  return {
    root: captioned(element('div', {}, view.root, paper.root), caption, clear, paper.rubber),
    show(shape: Shape, { lesson, sketch }: State): void {
      const isOwn = lesson === 'own';
      setAttributes(view.root, { hidden: isOwn });
      setAttributes(paper.root, { hidden: !isOwn });
      for (const one of [clear, paper.rubber]) setAttributes(one, { hidden: !isOwn });
      if (isOwn) paintLetter(paper.canvas, pictureOnce(sketch).data);
      else {
        view.showShape(shape);
        view.showFrames(points(shape));
      }
      if (shape.length === 0) setText(caption, 'yours: draw');
      else setText(caption, `${isOwn ? 'yours' : 'to be learned'}; fresh points: ${fits(shape) ?? ''}`);
    },
  };
}

/** What is drawn by now, above the line, and how well it fits. */
function drawnView(label: string) {
  const view = pointsView(label);
  const caption = element('span', { class: 'number' });
  const fitsAs = remembered(fitText);
  return {
    root: view.root,
    caption,
    show(shape: Shape, frames: readonly Tensor[] | undefined): void {
      view.showShape(shape);
      view.showFrames(frames);
      setText(caption, frames ? `: ${fitsAs(frames, shape)}` : '');
    },
  };
}

/** How well the last of the frames fits. To be remembered: it takes some milliseconds. */
function fitText(frames: readonly Tensor[], shape: Shape): string {
  const last = frames.at(-1);
  if (!last) return '';
  const { off, gaps } = fitOf(shape, last);
  return `${off.toFixed(3)} off the line, gaps ${gaps.toFixed(3)}`;
}
