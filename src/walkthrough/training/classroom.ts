/**
 * What the worker does with the messages of the page: it learns a step at a time, draws now and then, and hears its
 * messages in between.
 */
import type { Backend } from '../../kernels/kernels.ts';
import { initialState, type TrainingState } from '../../training/step.ts';
import { modelFiles } from '../../training/model-files.ts';
import { explain } from '../explained.ts';
import { afterMessages } from '../work/turns.ts';
import { drawFrom, learnStep, type Lesson } from './lesson.ts';
import type { Drawing, FromTrainer, Task, ToTrainer } from './protocol.ts';

/** So many steps are told of at once. */
const told = 10;

/** What is needed to learn. */
export interface Opened {
  readonly lesson: Lesson;
  readonly backend: Backend;
}

/** A training under way. */
interface Course extends Opened {
  readonly state: TrainingState;
  /** The latest one. */
  readonly drawing?: Drawing;
  /** Of the steps that the page has not been told of. */
  readonly losses: readonly number[];
  /** That the worker has spent. */
  readonly seconds: number;
}

/**
 * @param open makes ready what a task needs
 * @param later calls an action behind the messages that wait, once for all calls before it
 * @returns what hears the messages of the page
 */
export function createClassroom(
  open: (task: Task) => Opened,
  post: (message: FromTrainer) => void,
  later: (action: () => void) => () => void = afterMessages,
): (message: ToTrainer) => void {
  let course: Course | undefined;
  let [paused, scale] = [false, 0];

  const turn = (): void => {
    if (!course) return;
    const started = performance.now();
    const next = nextOf(course, scale, paused, post);
    if (!next) return;
    course = { ...next, seconds: next.seconds + (performance.now() - started) / 1000 };
    wake();
  };
  const wake = later(() => {
    try {
      turn();
    } catch (problem) {
      course = undefined;
      post({ kind: 'failed', problem: explain(problem) });
    }
  });

  return (message) => {
    switch (message.kind) {
      case 'learn':
        try {
          const opened = open(message.task);
          course = { ...opened, state: initialState(opened.lesson.learner), losses: [], seconds: 0 };
          post({ kind: 'begun', steps: opened.lesson.learner.config.steps });
        } catch (problem) {
          post({ kind: 'failed', problem: explain(problem) });
        }
        ({ scale } = message);
        break;
      case 'pause':
      case 'go on':
        paused = message.kind === 'pause';
        break;
      case 'guide':
        ({ scale } = message);
        break;
      case 'take':
        if (course) take(course, post);
        break;
    }
    wake();
  };
}

/** The course after one more thing that is to be done, a drawing or a step; undefined where there is nothing to do. */
function nextOf(
  course: Course,
  scale: number,
  paused: boolean,
  post: (message: FromTrainer) => void,
): Course | undefined {
  const { lesson, backend, state, drawing, seconds } = course;
  const rests = paused || state.step === lesson.learner.config.steps;
  const isDue = rests || state.step % lesson.every === 0;
  if (drawing?.scale !== scale || (isDue && drawing.step !== state.step)) {
    const next = drawn(course, scale);
    post({ kind: 'drawn', drawing: next });
    return { ...course, drawing: next };
  }
  if (rests) return undefined;
  const { state: next, report } = learnStep(lesson, backend, state);
  const losses = [...course.losses, report.loss];
  const isTold = next.step % told === 0 || next.step === lesson.learner.config.steps;
  if (isTold) post({ kind: 'learned', losses, seconds });
  return { ...course, state: next, losses: isTold ? [] : losses };
}

/** What the model draws by now; by itself, if it is known already, not again. */
function drawn({ lesson, backend, state, drawing }: Course, scale: number): Drawing {
  const isKnown = drawing?.step === state.step;
  const alone = isKnown ? drawing.alone : drawFrom(lesson, backend, state, 0);
  return { step: state.step, alone, scale, guided: drawFrom(lesson, backend, state, scale) };
}

/** Gives the model away as it is by now, where others know what to do with it. */
function take({ lesson, state }: Course, post: (message: FromTrainer) => void): void {
  const { modelConfig, schedulerConfig } = lesson;
  if (modelConfig) post({ kind: 'taken', files: modelFiles({ modelConfig, schedulerConfig }, state.average) });
}
