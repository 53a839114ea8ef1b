/** Pictures that follow one another. */
import { checkParts, finite, mustBe, withParts, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Picture } from './picture.ts';

/** A picture of an animation, and for how many milliseconds it is shown. */
export interface Frame {
  readonly picture: Picture;
  readonly milliseconds: number;
}

/** How long a picture of a run is shown, and the last one, in milliseconds. */
const [usual, last] = [100, 2000];

/** The pictures of a run, one after another; what has become of them is shown for longer. */
export function framesOf(pictures: readonly Picture[]): readonly Frame[] {
  return pictures.map((picture, i) => ({ picture, milliseconds: i === pictures.length - 1 ? last : usual }));
}

const frameChecks: Checks<Frame> = {
  picture: withParts<Picture>('a picture with width, height, channels and pixels', 'width', 'height', 'pixels'),
  milliseconds: finite(0),
};

/**
 * The first frame, whose size is that of all.
 * @throws InputError for no frame, for what is none, and for frames that differ in size or channels
 */
export function firstOf(frames: readonly Frame[]): Frame {
  mustBe('a list of frames', Array.isArray)('an animation', frames);
  for (const [i, frame] of frames.entries()) checkParts(`frame ${i}`, frame, frameChecks);
  const [first, ...others] = frames;
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
