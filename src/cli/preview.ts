/**
 * Pictures in a terminal: a character is two pixels, one above the other, in 24-bit colour; or, where NO_COLOR is set
 * (no-color.org), in shades of grey made of characters.
 */
import { toByte } from '../formats/grid.ts';
import { uninterrupted } from '../formats/node-files.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** From black to white, where there are no colours: each darkens more of its character. */
const shades = ' .:-=+*#%@';

/**
 * The first samples side by side, as many as fit into `columns` characters.
 * @param samples [B,C,H,W] with 1 or at least 3 channels, from −1 to 1
 * @param columns characters in a line of the terminal
 * @param coloured whether in colours; else characters show how bright a place is
 * @returns the lines, with their colours
 */
export function previewFrame(samples: Tensor, columns: number, coloured = true): readonly string[] {
  const [batch = 0, channels = 0, height = 0, width = 0] = samples.shape;
  const shown = Math.min(batch, Math.max(1, Math.floor((columns + 1) / (width + 1))));
  const pixel = (b: number, y: number, x: number): Pixel => {
    // Below the last line it is black.
    const at = (channel: number): number =>
      y < height ? toByte(samples.data[((b * channels + channel) * height + y) * width + x] ?? NaN) : 0;
    return channels < 3 ? [at(0), at(0), at(0)] : [at(0), at(1), at(2)];
  };
  const character = coloured ? inColours : inShades;
  const end = coloured ? '\x1b[0m' : '';
  return Array.from({ length: Math.ceil(height / 2) }, (_, row) => {
    const pictures = Array.from({ length: shown }, (_unused, b) => {
      let line = '';
      for (let x = 0; x < width; x++) line += character(pixel(b, 2 * row, x), pixel(b, 2 * row + 1, x));
      return line;
    });
    return `${pictures.join(`${end} `)}${end}`;
  });
}

/** Red, green and blue, 0 to 255. */
type Pixel = readonly [red: number, green: number, blue: number];

function inColours(above: Pixel, below: Pixel): string {
  return `\x1b[38;2;${above.join(';')};48;2;${below.join(';')}m▀`;
}

/** Both pixels as one shade, after how bright they are (ITU-R BT.601). */
function inShades(above: Pixel, below: Pixel): string {
  const brightness = ([red, green, blue]: Pixel): number => (299 * red + 587 * green + 114 * blue) / 1000;
  const mean = (brightness(above) + brightness(below)) / 2;
  return shades[Math.min(shades.length - 1, Math.floor((mean / 256) * shades.length))] ?? ' ';
}

/** Draws frame over frame on a terminal. */
export function createPreview(stream: NodeJS.WriteStream = process.stderr): (samples: Tensor) => void {
  let lines = 0;
  return (samples) => {
    const frame = previewFrame(samples, stream.columns ?? 80, !process.env['NO_COLOR']);
    const up = lines > 0 ? `\x1b[${lines}A` : '';
    // a terminal cut off in a frame keeps its colours
    uninterrupted(() => stream.write(`\r\x1b[K${up}${frame.join('\n')}\n`));
    lines = frame.length;
  };
}
