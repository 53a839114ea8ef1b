/** Regular expressions from the command line. */
import { runInNewContext } from 'node:vm';
import { InputError } from '../tensor/errors.ts';

const PATIENCE_MILLISECONDS = 1000;

/**
 * Tries the expressions among layer selectors where they can be stopped: some, as `(a+)+b`, try more ways than anybody
 * can wait for.
 * @throws InputError when one is not done in a second. What is no expression at all is left to `selectLayers`.
 */
export function tryExpressions(selectors: readonly string[], layers: readonly string[]): void {
  for (const selector of selectors.filter((text) => text.startsWith('re:'))) {
    try {
      runInNewContext(
        'for (const layer of layers) new RegExp(source, "u").test(layer);',
        { layers: [...layers], source: selector.slice(3) },
        { timeout: PATIENCE_MILLISECONDS },
      );
    } catch (problem) {
      if ((problem as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') continue;
      throw new InputError(
        `"${selector}" is not done with the model's layers after a second; write it without repetitions of repetitions`,
      );
    }
  }
}
