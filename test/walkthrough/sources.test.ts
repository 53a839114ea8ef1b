import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cutOut, readExcerpts } from '../../scripts/walkthrough/sources.ts';
import { excerpts } from '../../src/walkthrough/code/excerpts.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('the functions that the page shows', () => {
  it('are cut out of the source whole, with their comments', () => {
    const text =
      '/** One. */\nexport function one(): number {\n  return 1;\n}\n\n' +
      '/**\n * Two.\n */\nexport const two: Thing = {\n  key: 2,\n};\nconst rest = 3;\n';
    expect(cutOut(text, 'one', 'file')).toBe('/** One. */\nexport function one(): number {\n  return 1;\n}');
    expect(cutOut(text, 'two', 'file')).toBe('/**\n * Two.\n */\nexport const two: Thing = {\n  key: 2,\n};');
    expect(() => cutOut(text, 'three', 'file')).toThrow('file declares no three');
  });

  it('are all there, as they stand in their files', async () => {
    const sources = await readExcerpts(root, excerpts);
    for (const { id, file, name } of excerpts) {
      expect(await readFile(`${root}${file}`, 'utf8')).toContain(sources[id]);
      expect(sources[id]).toContain(name);
      expect(sources[id].split('{').length).toBe(sources[id].split('}').length); // nothing cut off
    }
  });

  it('stop the build when a line beside a formula is gone', async () => {
    const drifted = { ...excerpts[0], formulas: [['no such line', 'x']] as const };
    await expect(readExcerpts(root, [drifted])).rejects.toThrow(
      /0 lines of samplingLoop in src\/sampling\/sample\.ts hold "no such line"/,
    );
  });
});
