/** Writing HTML, SVG and XML as text. */

/** A text in markup, or as an attribute's value; characters that XML does not have are left out. */
export function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/**
 * An element with its attributes, in the order given, and what it holds.
 * @param content markup, whose texts have been escaped; without it the element is written as `<name/>`
 */
export function tag(name: string, attributes: Readonly<Record<string, string | number>>, content?: string): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
  const start = `<${name}${given.join('')}`;
  return content === undefined ? `${start}/>` : `${start}>${content}</${name}>`;
}
