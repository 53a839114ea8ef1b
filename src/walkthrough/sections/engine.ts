/** What computes here, how far its model has been loaded, and what is wrong, if nothing can be computed. */
import { element, setAttributes, setText } from '../drawing/dom.ts';
import { loadedText, loadingBar, tryAgainButton } from '../drawing/figure.ts';
import type { Section } from '../page.ts';
import type { EngineReport } from '../protocol.ts';
import type { Loaded } from '../work/promised.ts';

/** A line, and a button to try again. */
export const engineSection: Section = (root, { client }) => {
  const loading = loadingBar();
  const said = element('span', {});
  const again = tryAgainButton();
  const line = element('p', { class: 'engine', role: 'status' }, loading.root, said, again);
  root.append(line);

  return () => {
    const problem = client.problem();
    loading.show(client.engine() || problem !== undefined ? undefined : client.loaded());
    setText(
      said,
      problem === undefined
        ? engineText(client.engine(), client.loaded())
        : `Nothing can be computed here: ${problem} `,
    );
    setAttributes(line, { 'data-problem': problem !== undefined });
    setAttributes(again, { hidden: problem === undefined });
  };
};

function engineText(engine: EngineReport | undefined, loaded: Loaded | undefined): string {
  if (!engine) return loaded ? `Loading the model: ${loadedText(loaded)} …` : 'Loading the model …';
  const kernels = engine.kernels === 'simd' ? 'WebAssembly SIMD' : 'plain loops';
  const threads = engine.threads === 1 ? 'one thread' : `${engine.threads} threads`;
  return `Computed with ${kernels} on ${threads}. ${engine.note ?? ''}`;
}
