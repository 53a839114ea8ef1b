/** Trainings of the page, in Node. */
import type { Backend } from '../../../src/kernels/kernels.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { initialState, type TrainingState } from '../../../src/training/step.ts';
import { drawFrom, learnStep, type Lesson } from '../../../src/walkthrough/training/lesson.ts';

/** A training after so many of its steps. @param from where it goes on, if it has begun */
export function learnedUntil(
  lesson: Lesson,
  backend: Backend,
  steps: number,
  from = initialState(lesson.learner),
): TrainingState {
  let state = from;
  while (state.step < steps) state = learnStep(lesson, backend, state).state;
  return state;
}

/** What the model draws after some of the steps: by itself, and with PAG of that scale. */
export function drawnAfter(lesson: Lesson, marks: readonly number[], scale: number): readonly (readonly Tensor[])[] {
  const backend = simdBackend();
  let state = initialState(lesson.learner);
  return marks.map((mark) => {
    state = learnedUntil(lesson, backend, mark, state);
    return [0, scale].map((pagScale) => drawFrom(lesson, backend, state, pagScale).at(-1)!);
  });
}
