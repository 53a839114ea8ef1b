/** The controls of the figures: native inputs, so keyboards and screen readers know them. */
import { element, setText } from './dom.ts';

export interface Slider {
  readonly root: HTMLElement;
  show(value: number): void;
}

export interface SliderOptions {
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly step: number;
  /** How a value is read out beside the slider. */
  readonly text?: (value: number) => string;
  readonly name: string;
}

export function slider(
  { label, least, most, step, text = String, name }: SliderOptions,
  changed: (value: number) => void,
): Slider {
  const input = element('input', { type: 'range', min: least, max: most, step, name, 'aria-label': label });
  const output = element('output', {});
  input.addEventListener('input', () => changed(Number(input.value)));
  return {
    root: element('label', { class: 'slider' }, element('span', {}, label), input, output),
    show(value) {
      input.value = String(value);
      input.style.setProperty('--filled', `${((value - least) / (Number(input.max) - least)) * 100}%`);
      setText(output, text(value));
    },
  };
}

export interface Choice<T extends string> {
  readonly root: HTMLElement;
  show(value: T): void;
}

/** A few alternatives side by side. */
export function choice<T extends string>(
  name: string,
  label: string,
  options: readonly (readonly [T, string])[],
  changed: (value: T) => void,
): Choice<T> {
  const inputs = new Map<T, HTMLInputElement>();
  const root = element('fieldset', { class: 'choice' }, element('legend', {}, label));
  for (const [value, text] of options) {
    const input = element('input', { type: 'radio', name, value });
    input.addEventListener('change', () => changed(value));
    inputs.set(value, input);
    root.append(element('label', {}, input, element('span', {}, text)));
  }
  return {
    root,
    show(value) {
      for (const [known, input] of inputs) input.checked = known === value;
    },
  };
}

export function button(text: string, name: string, pressed: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', name }, text);
  made.addEventListener('click', pressed);
  return made;
}

/** One of many, in a list that opens. */
export function picker(
  name: string,
  label: string,
  options: readonly (readonly [string, string])[],
  changed: (value: string) => void,
): Choice<string> {
  const select = element(
    'select',
    { name, 'aria-label': label },
    ...options.map(([value, text]) => element('option', { value }, text)),
  );
  select.addEventListener('change', () => changed(select.value));
  return {
    root: element('label', { class: 'picker' }, element('span', {}, label), select),
    show(value) {
      select.value = value;
    },
  };
}
