/** The text of functions, cut out of their files. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Excerpt } from '../../src/walkthrough/code/excerpts.ts';

/**
 * A top-level declaration with the comment before it.
 * @param text of the file
 * @param name of what is declared
 * @param file its name, for messages
 * @throws Error when there is none of this name
 */
export function cutOut(text: string, name: string, file: string): string {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^(?:export )?(?:function\\*? |const )${name}\\b`).test(line));
  if (start < 0) throw new Error(`${file} declares no ${name}`);
  // The declaration ends with the first line that closes it without being indented.
  const length = lines.slice(start).findIndex((line) => /^[}\])]+;?$/.test(line)) + 1;
  const before = lines.slice(0, start).reverse();
  const comment = before.findIndex((line) => !/^(?:\/\*\*| \*|\/\/)/.test(line));
  return lines.slice(comment < 0 ? 0 : start - comment, start + length).join('\n');
}

/**
 * The text of each excerpt by its id.
 * @throws Error when a function, or a line with a formula, is not there
 */
export async function readExcerpts(
  root: string,
  excerpts: readonly Excerpt[],
): Promise<Readonly<Record<string, string>>> {
  const entries = await Promise.all(
    excerpts.map(async ({ id, file, name, formulas }) => {
      const text = cutOut(await readFile(join(root, file), 'utf8'), name, file);
      for (const [line] of formulas) {
        const found = text.split('\n').filter((candidate) => candidate.includes(line)).length;
        if (found !== 1)
          throw new Error(
            `${found} lines of ${name} in ${file} hold "${line}", beside which the walkthrough has a formula; ` +
              'expected one',
          );
      }
      return [id, text] as const;
    }),
  );
  return Object.fromEntries(entries);
}
