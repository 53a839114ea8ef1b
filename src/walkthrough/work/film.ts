/** An animation of a run, as a file. */
import { encodeGif } from '../../formats/gif.ts';
import { grid } from '../../formats/grid.ts';
import type { FilmRequest, FilmResult } from '../protocol.ts';

/** How long a picture is shown, and the last one. */
const [milliseconds, lastMilliseconds] = [100, 2000];

/** A GIF, in one result. */
export function* film({ title, pictures }: FilmRequest): Generator<FilmResult, void, void> {
  const frames = pictures.map((samples, i) => ({
    picture: grid([{ title, samples }]),
    milliseconds: i === pictures.length - 1 ? lastMilliseconds : milliseconds,
  }));
  yield { gif: encodeGif(frames) };
}
