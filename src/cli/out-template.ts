/** `--out` with places for what tells pictures apart: each is written by itself. */
import { dirname } from 'node:path';
import { InputError } from '../tensor/errors.ts';

/** What can stand in the places. */
export interface PictureNames {
  /** From 0. */
  readonly index: number;
  readonly seed: string;
  /** `none` for a picture without a class. */
  readonly label: string;
}

const place = /\{(index|seed|label)\}/g;
const looksLikeOne = /\{[^{}/]*\}/g;

/** Whether a name has places, as `out/{seed}-{label}.png`. */
export function isTemplate(file: string): boolean {
  return file.search(place) >= 0;
}

/**
 * Refuses a name with a place for what pictures do not have.
 * @param option that it is given by, for messages
 * @throws InputError that lists the places that there are
 */
export function checkPlaces(option: string, file: string): void {
  const unknown = file.match(looksLikeOne)?.find((one) => !isTemplate(one));
  if (unknown !== undefined)
    throw new InputError(`${option} is ${file}; there is no place ${unknown}, but {index}, {seed} and {label}`);
}

/** The folder of such a name that is there for all pictures: what stands before the first place. */
export function fixedFolder(template: string): string {
  return dirname(`${template.slice(0, template.search(place))}x`);
}

/**
 * The name of each picture.
 * @param option that the template is given by, for messages
 * @throws InputError when two would have the same
 */
export function namesFrom(template: string, pictures: readonly PictureNames[], option: string): readonly string[] {
  const names = pictures.map((picture) =>
    template.replace(place, (_whole, key: keyof PictureNames) => String(picture[key])),
  );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new InputError(`${option} ${template}: several pictures would be ${twice}; {index} tells them apart`);
  return names;
}
