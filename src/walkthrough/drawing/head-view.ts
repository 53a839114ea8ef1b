/** What one attention head hands on: with its map, beside the identity in place of it. */
import { present } from '../checked.ts';
import { rowOf, spreadOf, type Head } from '../work/attention.ts';
import { element, setText, symbol } from './dom.ts';
import { captioned } from './figure.ts';
import { outlined } from './outline.ts';
import type { Colour } from './palette.ts';
import { asPicture, asShare, asSigned, paint, paintColours, pictureCanvas, type Pixels } from './picture.ts';
import { colouring } from './values.ts';

/** Pictures of a head. */
export interface HeadView {
  /** With the softmax, and with the identity. */
  readonly columns: readonly HTMLElement[];
  /** The values of the token that asks, channel by channel. */
  readonly strip: HTMLElement;
  /**
   * @param colours its values as `coloursOf` gives them
   * @param token the one that asks
   */
  show(head: Head, colours: HeadColours, token: number): void;
  /** Shows that there is nothing to see yet. */
  clear(): void;
}

/** Pictures without a head. */
export function headView(): HeadView {
  const attended = outlined(pictureCanvas('where this pixel looks'));
  const alone = outlined(pictureCanvas('where it looks when the map is the identity'));
  const gathered = outlined(pictureCanvas('what attention hands on, as colours'));
  const own = outlined(pictureCanvas('what the identity hands on, as colours'));
  const strip = channelStrip();
  const [spread, self] = [element('span', { class: 'number' }), element('span', { class: 'number' })];
  const pictures = [attended, alone, gathered, own];
  return {
    columns: [
      element(
        'div',
        { class: 'column' },
        element('h3', {}, 'softmax attention'),
        captioned(
          attended.root,
          'Its shares are spread as over ',
          spread,
          ' (e to the power of their entropy); its own is ',
          self,
          '.',
        ),
        captioned(
          gathered.root,
          symbol('A V'),
          ' what every pixel takes home. Alike colours are alike values; mixed values have mixed colours',
        ),
      ),
      element(
        'div',
        { class: 'column spoilt' },
        element('h3', {}, 'the identity'),
        captioned(alone.root, 'It looks at itself alone.'),
        captioned(own.root, symbol('I V = V'), ' its own value, its own colour'),
      ),
    ],
    strip: strip.root,
    show(head, colours, token) {
      const row = rowOf(head, token);
      const share = present(row[token], `token ${token}`);
      paint(attended.canvas, square(row), asShare(Math.max(...row)));
      paint(alone.canvas, square(row.map((_, i) => (i === token ? 1 : 0))), asShare(1));
      const grid = Math.sqrt(head.tokens);
      paintColours(gathered.canvas, { width: grid, height: grid, colours: colours.gathered });
      paintColours(own.canvas, { width: grid, height: grid, colours: colours.own });
      for (const picture of pictures) picture.outline(token % grid, Math.floor(token / grid), grid);
      setText(spread, `${spreadOf(row).toFixed(1)} of ${head.tokens} places`);
      setText(self, `${(share * 100).toFixed(1)} %`);
      strip.show(head, token);
    },
    clear() {
      for (const { canvas } of pictures) paint(canvas, undefined, asPicture);
      strip.clear();
    },
  };
}

/** Numbers for each token of a square picture. */
function square(values: ArrayLike<number>): Pixels {
  const grid = Math.sqrt(values.length);
  return { width: grid, height: grid, values };
}

/** What every token takes home, and what it has itself, as colours. */
export interface HeadColours {
  readonly gathered: readonly Colour[];
  readonly own: readonly Colour[];
}

/** Both in the same colours: what is mixed has the mixed colour. */
export function coloursOf({ size, tokens, own, gathered }: Head): HeadColours {
  const colourOf = colouring({ size, data: own });
  const all = (values: Float32Array): readonly Colour[] =>
    Array.from({ length: tokens }, (_, token) => colourOf(values, token));
  return { gathered: all(gathered), own: all(own) };
}

/** What one token takes home: from attention, from the identity, and the difference. */
function channelStrip() {
  const canvas = pictureCanvas('the values handed on to the pixel, channel by channel', 'picture strip');
  const apart = element('span', { class: 'number' });
  return {
    root: captioned(
      canvas,
      'The numbers that the pixel takes home, one for each channel of the head: from attention (top), from the ',
      'identity, and how they differ (by ',
      apart,
      ' of the length).',
    ),
    show({ size, own, gathered }: Head, token: number): void {
      const vector = (values: Float32Array): Float32Array => values.subarray(token * size, (token + 1) * size);
      const [mixed, mine] = [vector(gathered), vector(own)];
      const difference = mixed.map((value, i) => value - (mine[i] ?? NaN));
      const values = [...mixed, ...mine, ...difference];
      paint(canvas, { width: size, height: 3, values }, asSigned(Math.max(...values.map(Math.abs))));
      setText(apart, `${Math.round((Math.hypot(...difference) / Math.hypot(...mine)) * 100)} %`);
    },
    clear(): void {
      paint(canvas, undefined, asPicture);
    },
  };
}
