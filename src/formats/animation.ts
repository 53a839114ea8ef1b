/** Pictures that follow one another. */
import { InputError } from '../tensor/errors.ts';
import type { Picture } from './picture.ts';

/** A picture of an animation, and for how many milliseconds it is shown. */
export interface Frame {
  readonly picture: Picture;
  readonly milliseconds: number;
}

/**
 * The first frame, whose size is that of all.
 * @throws InputError for no frame, and for frames that differ in size or channels
 */
export function firstOf([first, ...others]: readonly Frame[]): Frame {
  if (!first) throw new InputError('an animation needs at least one picture');
  const { width, height, channels } = first.picture;
  for (const { picture } of others)
    if (picture.width !== width || picture.height !== height || picture.channels !== channels)
      throw new InputError(
        `the pictures of an animation differ: ${width} × ${height} with ${channels} channels, and ` +
          `${picture.width} × ${picture.height} with ${picture.channels}`,
      );
  return first;
}
