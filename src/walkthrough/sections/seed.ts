/** Another seed: other noise, everywhere on the page. */
import { button } from '../drawing/controls.ts';
import type { Page } from '../page.ts';

/** A button that takes the next seed. @param text on it */
export function seedButton(page: Page, text: string): HTMLButtonElement {
  return button(text, 'noise', () => page.change({ seed: (page.state().seed + 1) % 2 ** 32 }));
}
