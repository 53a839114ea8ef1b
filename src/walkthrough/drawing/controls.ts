/** The controls of the figures: native inputs, so keyboards and screen readers know them. */
import { stepCount } from '../study.ts';
import { element, setAttributes, setText } from './dom.ts';

/** A number that can be moved. */
export interface Slider {
  readonly root: HTMLElement;
  show(value: number): void;
  /** Changes how far it reaches. */
  setMost(most: number): void;
}

/** What a slider offers. */
export interface SliderOptions {
  readonly label: string;
  /** The least number, the most, and how far they lie apart in between. */
  readonly least: number;
  readonly most: number;
  readonly step: number;
  /** How a value is read out beside the slider. */
  readonly text?: (value: number) => string;
  /** Of the input, for scripts and tests. */
  readonly name: string;
}

/** @param changed is told the number that it was moved to */
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
      setAttributes(input, { 'aria-valuetext': text(value) });
    },
    setMost(reach) {
      input.max = String(reach);
    },
  };
}

/** How strongly something guides: in quarters, from 0 unless it is said, and read out as it is unless that is said. */
export function scaleSlider(
  options: Pick<SliderOptions, 'label' | 'name' | 'most'> & Partial<Pick<SliderOptions, 'least' | 'text'>>,
  changed: (scale: number) => void,
): Slider {
  return slider({ least: 0, step: 0.25, text: (scale) => scale.toFixed(2), ...options }, changed);
}

/** A control that chooses one of several. */
export interface Choice<T extends string> {
  readonly root: HTMLElement;
  show(value: T): void;
}

/** Moves through the steps of a run, up to `most`. */
export function stepSlider(name: string, most: number, changed: (step: number) => void): Slider {
  const text = (value: number): string => `${value} of ${stepCount}`;
  return slider({ label: 'step', name, least: 0, most, step: 1, text }, changed);
}

/**
 * A few alternatives side by side.
 * @param options their values and what stands beside them
 * @param changed is told the value that was chosen
 */
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

/** @param pressed is called when it is */
export function button(text: string, name: string, pressed: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', name }, text);
  made.addEventListener('click', pressed);
  return made;
}

/**
 * One of many, in a list that opens.
 * @param options their values and texts, and what more is said of one on hover
 * @param changed is told the value that was chosen
 */
export function picker(
  name: string,
  label: string,
  options: readonly (readonly [value: string, text: string, title?: string])[],
  changed: (value: string) => void,
): Choice<string> {
  const select = element(
    'select',
    { name, 'aria-label': label },
    ...options.map(([value, text, title]) => element('option', { value, title }, text)),
  );
  select.addEventListener('change', () => changed(select.value));
  return {
    root: element('label', { class: 'picker' }, element('span', {}, label), select),
    show(value) {
      select.value = value;
      setAttributes(select, { title: options.find(([known]) => known === value)?.[2] });
    },
  };
}
