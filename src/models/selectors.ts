/**
 * Which self-attention layers are meant. A selector names whole segments of a module path, so `down_blocks.1` never
 * means `down_blocks.10`:
 * - a module path or the beginning of one: `mid_block`, `down_blocks.1`, `up_blocks.0.attentions.1`;
 * - a short form of diffusers: `mid`, `down.block_1`, `up.block_0.attentions_1`;
 * - `re:` and a regular expression that is searched in the path.
 *
 * Layers that ask a text are selected apart: `cross` means all of them, `cross:mid_block` those that `mid_block` names.
 */
import { textsAs } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';

/**
 * The layers that any of `selectors` selects, in the order of the forward pass, each once.
 * @param selectors module paths or their beginnings, short forms as `mid` and `down.block_1`, `re:` and an expression
 * @param layers the paths of all self-attention layers of the model
 * @throws InputError when a selector selects nothing (the message lists the layers), or is no regular expression
 */
export function selectLayers(selectors: readonly string[], layers: readonly string[]): readonly string[] {
  return selectOf(selectors, layers, 'self-attention');
}

/**
 * The layers of cross-attention that any of `selectors` selects, in the order of the forward pass, each once.
 * @param selectors as of `selectLayers`, `cross:` before them or not; `cross` for all
 * @param layers the paths of all cross-attention layers of the model
 * @throws InputError as `selectLayers` does
 */
export function selectCrossLayers(selectors: readonly string[], layers: readonly string[]): readonly string[] {
  return selectOf(selectors, layers, 'cross-attention', (selector) =>
    selector === 'cross' ? 're:' : selector.replace(/^cross:/, ''),
  );
}

/** @param plain what a selector means among the layers of its kind */
function selectOf(
  selectors: readonly string[],
  layers: readonly string[],
  kind: string,
  plain = (selector: string): string => selector,
): readonly string[] {
  areNames('selectors', selectors);
  areNames('layers', layers);
  const selected = new Set<string>();
  for (const selector of selectors) {
    const matches = matcher(plain(selector));
    const found = layers.filter(matches);
    if (found.length === 0) {
      const known = layers.length === 0 ? 'the model has none' : `the model has ${layers.join(', ')}`;
      throw new InputError(`"${selector}" selects no ${kind} layer; ${known}`);
    }
    for (const layer of found) selected.add(layer);
  }
  return layers.filter((layer) => selected.has(layer));
}

const areNames = textsAs('a list of module paths, or short forms as "mid"');

function matcher(selector: string): (path: string) => boolean {
  if (selector.startsWith('re:')) {
    const expression = asExpression(selector, () => new RegExp(selector.slice(3), 'u'));
    // An engine compiles it when it is used, and only then finds it too large.
    return (path) => asExpression(selector, () => expression.test(path));
  }
  const wanted = longForm(selector);
  return (path) => path === wanted || path.startsWith(`${wanted}.`);
}

/** Has an engine work with the expression. @throws InputError when it cannot */
function asExpression<T>(selector: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new InputError(`"${selector}" is no regular expression: ${(error as Error).message}`);
  }
}

/** `down.block_1.attentions_0` → `down_blocks.1.attentions.0`; long forms stay as they are. */
function longForm(selector: string): string {
  return selector
    .replace(/^mid(_block)?(?=\.|$)/, 'mid_block')
    .replace(/^(down|up)\.block_(\d+)(?=\.|$)/, '$1_blocks.$2')
    .replace(/^(down|up)(?=$)/, '$1_blocks')
    .replace(/\.attentions_(\d+)(?=\.|$)/, '.attentions.$1');
}
