/** Making elements: a tag, its attributes, its children. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
type Child = Node | string;

/** An element of HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

/** An element of SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

/** `true` sets an attribute without a value; `false` and undefined take it away. */
export function setAttributes(target: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) target.removeAttribute(name);
    else target.setAttribute(name, value === true ? '' : String(value));
  }
}

/** Sets the text if it differs, so that a reader's selection survives redrawing. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A symbol of the formulas, set bold, with what stands lower: x̂₀. */
export function symbol(text: string, lower?: string): HTMLElement {
  return element('b', {}, text, ...(lower === undefined ? [] : [element('sub', {}, lower)]));
}

/** `x_t` and `W_Q` with what follows the underscore set lower. */
export function formula(text: string): DocumentFragment {
  const made = document.createDocumentFragment();
  made.append(...text.split(/(_\w)/).map((part) => (part.startsWith('_') ? element('sub', {}, part.slice(1)) : part)));
  return made;
}
