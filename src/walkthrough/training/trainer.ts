/** The page's side of a training: the worker that learns, and what is known of it. */
import { startWorker } from '../start-worker.ts';
import type { Drawing, FromTrainer, Taken, Task, ToTrainer } from './protocol.ts';

/** How far a training is. */
export interface Progress {
  readonly phase: 'none' | 'starting' | 'learning' | 'paused' | 'done' | 'failed';
  /** Steps of the whole training; 0 while it is not known. */
  readonly steps: number;
  /** The loss of each step so far. */
  readonly losses: readonly number[];
  /** That the worker has spent, drawings included. */
  readonly seconds: number;
  readonly drawing?: Drawing;
  /** Why it does not go on, if so. */
  readonly problem?: string;
}

/** Nobody has asked for it. */
export const nothingLearned: Progress = { phase: 'none', steps: 0, losses: [], seconds: 0 };

/** What is known after a message of the worker. */
export function heard(before: Progress, message: Exclude<FromTrainer, Taken>): Progress {
  switch (message.kind) {
    case 'begun':
      return { ...before, phase: before.phase === 'starting' ? 'learning' : before.phase, steps: message.steps };
    case 'learned': {
      const losses = [...before.losses, ...message.losses];
      const phase = losses.length === before.steps ? 'done' : before.phase;
      return { ...before, phase, losses, seconds: message.seconds };
    }
    case 'drawn':
      return { ...before, drawing: message.drawing };
    case 'failed':
      return { ...before, phase: 'failed', problem: message.problem };
  }
}

/** Learns one thing at a time. */
export interface Trainer {
  /** Begins anew. */
  learn(task: Task, scale: number): void;
  pause(): void;
  goOn(): void;
  /** Draws with this s of PAG, too, if it does not yet. */
  guide(scale: number): void;
  /** Asks for the model as it is by now. */
  take(): void;
  /** Forgets what has been learned. */
  stop(): void;
  /** What is learned; undefined where nothing is. */
  task(): Task | undefined;
  progress(): Progress;
}

/**
 * A trainer that has started nothing.
 * @param changed called when there is something new to draw
 * @param taken is given the model that was asked for
 */
export function createTrainer(changed: () => void, taken: (model: Taken) => void = () => {}): Trainer {
  let progress = nothingLearned;
  let course: { readonly worker: Worker; readonly task: Task; readonly scale: number } | undefined;
  const send = (message: ToTrainer): void => course?.worker.postMessage(message);
  const turn = (next: Progress): void => {
    progress = next;
    changed();
  };
  const stop = (): void => {
    course?.worker.terminate();
    [course, progress] = [undefined, nothingLearned];
  };
  return {
    learn(task, scale) {
      stop();
      const worker = startWorker<FromTrainer>('trainer.js', (message) =>
        message.kind === 'taken' ? taken(message) : turn(heard(progress, message)),
      );
      course = { worker, task, scale };
      send({ kind: 'learn', task, scale });
      turn({ ...nothingLearned, phase: 'starting' });
    },
    pause() {
      send({ kind: 'pause' });
      turn({ ...progress, phase: 'paused' });
    },
    goOn() {
      send({ kind: 'go on' });
      turn({ ...progress, phase: 'learning' });
    },
    guide(scale) {
      if (!course || course.scale === scale) return;
      course = { ...course, scale };
      send({ kind: 'guide', scale });
    },
    take: () => send({ kind: 'take' }),
    stop,
    task: () => course?.task,
    progress: () => progress,
  };
}
