/**
 * A font of five by seven pixels for the titles of picture grids. A glyph is seven rows from the top; a row is a digit
 * of base 32 whose five bits are the pixels, the leftmost the highest. Two more rows hold what hangs below the line.
 */
const glyphs: Readonly<Record<string, string | undefined>> = {
  ' ': '0000000',
  '!': '4444404',
  "'": '4400000',
  '(': '2488842',
  ')': '8422248',
  '*': '04lel40',
  '+': '044v440',
  ',': '000004480',
  '-': '000v000',
  '.': '0000004',
  '/': '1122488',
  ':': '0040040',
  '=': '00v0v00',
  _: '00000000v',
  '%': 'oo124j3',
  '|': '4444444',
  '<': '2484200',
  '>': '8421240',
  '~': '008l200',
  '[': 'e88888e',
  ']': 'e22222e',
  '#': 'aavavaa',
  '0': 'ehjlphe',
  '1': '4c4444e',
  '2': 'eh1248v',
  '3': 'v2421he',
  '4': '26aiv22',
  '5': 'vgu11he',
  '6': '68guhhe',
  '7': 'v124888',
  '8': 'ehhehhe',
  '9': 'ehhf12c',
  A: 'ehhvhhh',
  B: 'uhhuhhu',
  C: 'ehggghe',
  D: 'sihhhis',
  E: 'vgguggv',
  F: 'vgguggg',
  G: 'ehgnhhf',
  H: 'hhhvhhh',
  I: 'e44444e',
  J: '72222ic',
  K: 'hikokih',
  L: 'ggggggv',
  M: 'hrllhhh',
  N: 'hhpljhh',
  O: 'ehhhhhe',
  P: 'uhhuggg',
  Q: 'ehhhlid',
  R: 'uhhukih',
  S: 'fgge11u',
  T: 'v444444',
  U: 'hhhhhhe',
  V: 'hhhhha4',
  W: 'hhhllla',
  X: 'hha4ahh',
  Y: 'hhha444',
  Z: 'v1248gv',
  a: '00e1fhf',
  b: 'ggmphhu',
  c: '00eggge',
  d: '11djhhf',
  e: '00ehvge',
  f: '698s888',
  g: '00fhhhf1e',
  h: 'ggmphhh',
  i: '40c444e',
  j: '2062222ic',
  k: 'ggikoki',
  l: 'c44444e',
  m: '00qllll',
  n: '00mphhh',
  o: '00ehhhe',
  p: '00uhhhugg',
  q: '00fhhhf11',
  r: '00mpggg',
  s: '00fge1u',
  t: '88s8896',
  u: '00hhhjd',
  v: '00hhha4',
  w: '00hhlla',
  x: '00ha4ah',
  y: '00hhhhf1e',
  z: '00v248v',
};

/** `?`, which also stands for every character that the font lacks. */
const questionMark = 'eh12404';

/** From the left edge of a character to that of the next, in pixels of the font. */
export const advance = 6;
/** From the top of a line to the bottom of what hangs below it, in pixels of the font. */
export const lineHeight = 9;

/**
 * Calls `dot` for each pixel of `text`, in pixels of the font from the top left corner of the first character.
 * Characters that the font lacks become `?`.
 */
export function drawText(text: string, dot: (x: number, y: number) => void): void {
  [...text].forEach((character, index) => {
    [...(glyphs[character] ?? questionMark)].forEach((row, y) => {
      const bits = parseInt(row, 32);
      for (let x = 0; x < 5; x++) if (bits & (16 >> x)) dot(index * advance + x, y);
    });
  });
}
