/** Pictures in a terminal: a character is two pixels, one above the other, in 24-bit colour. */
import { toByte } from '../formats/grid.ts';
import { uninterrupted } from '../formats/node-files.ts';
import type { Tensor } from '../tensor/tensor.ts';

/**
 * The first samples side by side, as many as fit into `columns` characters.
 * @param samples [B,C,H,W] with 1 or at least 3 channels, from −1 to 1
 * @param columns characters in a line of the terminal
 * @returns the lines, with their colours
 */
export function previewFrame(samples: Tensor, columns: number): readonly string[] {
  const [batch = 0, channels = 0, height = 0, width = 0] = samples.shape;
  const shown = Math.min(batch, Math.max(1, Math.floor((columns + 1) / (width + 1))));
  const pixel = (b: number, y: number, x: number): string => {
    // Below the last line it is black.
    const at = (channel: number): number =>
      y < height ? toByte(samples.data[((b * channels + channel) * height + y) * width + x] ?? NaN) : 0;
    return channels < 3 ? `${at(0)};${at(0)};${at(0)}` : `${at(0)};${at(1)};${at(2)}`;
  };
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) => {
    const pictures = Array.from({ length: shown }, (_unused, b) => {
      let line = '';
      for (let x = 0; x < width; x++) line += `\x1b[38;2;${pixel(b, 2 * row, x)};48;2;${pixel(b, 2 * row + 1, x)}m▀`;
      return line;
    });
    return `${pictures.join('\x1b[0m ')}\x1b[0m`;
  });
}

/** Draws frame over frame on a terminal. */
export function createPreview(stream: NodeJS.WriteStream = process.stderr): (samples: Tensor) => void {
  let lines = 0;
  return (samples) => {
    const frame = previewFrame(samples, stream.columns ?? 80);
    const up = lines > 0 ? `\x1b[${lines}A` : '';
    // a terminal cut off in a frame keeps its colours
    uninterrupted(() => stream.write(`\r\x1b[K${up}${frame.join('\n')}\n`));
    lines = frame.length;
  };
}
