/** What a guided step costs, beside one pass of the network. */
import type { GuidedCost } from '../work/cost.ts';
import { element, setAttributes, setText } from './dom.ts';

/** A bar, and what it says in words. */
export interface CostBar {
  readonly bar: HTMLElement;
  readonly text: HTMLElement;
  /**
   * @param cost of a step
   * @param isGuided whether any layer is perturbed at all
   */
  show(cost: GuidedCost, isGuided: boolean): void;
}

/** @param total what one pass costs */
export function costBar(total: number): CostBar {
  const shared = element('span', { class: 'part shared' });
  const plain = element('span', { class: 'part plain' });
  const perturbed = element('span', { class: 'part perturbed' });
  const bar = element('div', { class: 'cost', role: 'img' }, shared, plain, perturbed);
  const text = element('p', { class: 'cost-text' });
  const grow = (part: HTMLElement, cost: number): void => {
    part.style.flexGrow = String(cost / total);
  };
  return {
    bar,
    text,
    show(cost, isGuided) {
      grow(shared, cost.shared);
      grow(plain, cost.plain);
      grow(perturbed, isGuided ? cost.perturbed : 0);
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
