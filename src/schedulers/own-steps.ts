/** Timesteps or σ of the user's own, in place of those that a config spaces. */
import { InputError } from '../tensor/errors.ts';

/** What the user may say of the steps of a run. */
export interface OwnSteps {
  /** What the model is given at the beginning of each step, from noise to picture. */
  readonly timesteps?: readonly number[];
  /** σ of each step, from noise to picture; in some classes also that of the result. */
  readonly sigmas?: readonly number[];
}

/** What a class asks of timesteps. */
export interface TimestepRule {
  /** The largest that there may be. */
  readonly most: number;
  /** Whether they must be whole numbers. */
  readonly whole?: boolean;
  /** Whether each must be below the one before. */
  readonly falling?: boolean;
}

/** Checks timesteps of the user's own. @throws InputError that names the first that cannot be, and what can */
export function checkTimesteps(
  scheduler: string,
  timesteps: readonly number[],
  { most, whole = false, falling = false }: TimestepRule,
): readonly number[] {
  timesteps.forEach((t, i) => {
    const isWell = t >= 0 && t <= most && (!whole || Number.isInteger(t));
    if (!isWell)
      throw new InputError(
        `${scheduler}: timesteps has ${t}; expected ${whole ? 'whole ' : ''}numbers from 0 to ${most}, ` +
          'those of the training',
      );
    const before = timesteps[i - 1];
    if (falling && before !== undefined && t >= before)
      throw new InputError(`${scheduler}: timesteps has ${t} after ${before}; expected them to fall`);
  });
  return timesteps;
}

/** @throws InputError for timesteps of the user's own where a key of the config says how σ are spaced */
export function refuseSpaced(scheduler: string, { timesteps }: OwnSteps, key: string | undefined): void {
  if (timesteps && key !== undefined)
    throw new InputError(
      `${scheduler}: timesteps and ${key} exclude one another; one of them says where the steps are`,
    );
}
