/** How the learning rate runs over a training, as the schedules of `diffusers.optimization`. */
import { cos } from '../tensor/math/index.ts';
import { oneOf } from '../tensor/checks.ts';

/** The shapes of a schedule, behind its warm-up. */
export const scheduleTypes = ['constant', 'cosine'] as const;

const aType = oneOf(scheduleTypes);

/** A schedule of the learning rate. */
export interface LearningRateSchedule {
  /** `cosine` falls along half a cosine to 0 at the end. */
  readonly type: (typeof scheduleTypes)[number];
  /** Steps in which it first rises from 0 in a straight line. */
  readonly warmupSteps: number;
}

/**
 * The share of the learning rate that step `step` takes: `get_constant_schedule_with_warmup` and
 * `get_cosine_schedule_with_warmup`.
 * @param step from 0; with a warm-up this one takes nothing
 * @param steps of the whole training
 * @throws InputError for a schedule that there is not
 */
export function learningRateShare({ type, warmupSteps }: LearningRateSchedule, step: number, steps: number): number {
  aType('the schedule', type);
  if (step < warmupSteps) return step / warmupSteps;
  if (type === 'constant') return 1;
  const progress = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return Math.max(0, 0.5 * (1 + cos(Math.PI * progress)));
}
