/** An animation of a run, as a file. */
import { framesOf } from '../../formats/animation.ts';
import { encodeGif } from '../../formats/gif.ts';
import { grid } from '../../formats/grid.ts';
import { apngFile, pixelLines } from '../../formats/png-file.ts';
import { piped } from '../piped.ts';
import type { FilmRequest, FilmResult } from '../protocol.ts';

/** A GIF, or an animated PNG, whose pixels the engine compresses. */
export async function film({ title, pictures, format }: FilmRequest): Promise<FilmResult> {
  const frames = framesOf(pictures.map((samples) => grid([{ title, samples }])));
  if (format === 'gif') return { file: encodeGif(frames) };
  const packed = await Promise.all(
    frames.map(({ picture }) => piped(pixelLines(picture), new CompressionStream('deflate'))),
  );
  return { file: apngFile(frames, packed, { Title: title }) };
}
