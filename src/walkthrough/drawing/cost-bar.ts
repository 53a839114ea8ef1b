/** What a guided step costs, beside one pass of the network. */
import type { GuidedCost } from '../../models/cost.ts';
import { element, setAttributes, setText } from './dom.ts';

/** A bar, and what it says in words. */
export interface CostBar {
  readonly bar: HTMLElement;
  readonly text: HTMLElement;
  /** @param cost of a step; what was shown stays while it is not known */
  show(cost: GuidedCost | undefined): void;
}

/** A bar that shows nothing yet. */
export function costBar(): CostBar {
  const shared = element('span', { class: 'part shared' });
  const plain = element('span', { class: 'part plain' });
  const perturbed = element('span', { class: 'part perturbed' });
  const bar = element('div', { class: 'cost', role: 'img' }, shared, plain, perturbed);
  const text = element('p', { class: 'cost-text' });
  return {
    bar,
    text,
    show(cost) {
      if (!cost) return;
      // One pass is the unit.
      const total = cost.shared + cost.plain;
      shared.style.flexGrow = String(cost.shared / total);
      plain.style.flexGrow = String(cost.plain / total);
      perturbed.style.flexGrow = String(cost.perturbed / total);
      const isGuided = cost.plain + cost.perturbed > 0;
      const words = isGuided ? inWords(cost, total) : 'No layer is chosen: PAG is off, and a step costs one pass.';
      setText(text, words);
      setAttributes(bar, { 'aria-label': words });
    },
  };
}

function inWords({ shared, plain, perturbed }: GuidedCost, total: number): string {
  const percent = (cost: number): string => `${Math.round((cost / total) * 100)} %`;
  return (
    `A step costs ${percent(shared + plain + perturbed)} of one pass, not 200 %: ` +
    `what both passes have in common (${percent(shared)}) is computed once.`
  );
}
