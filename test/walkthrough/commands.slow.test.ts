import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../scripts/walkthrough/build.ts';
import { runCommand } from '../../src/cli/commands.ts';
import { wordsModel } from '../../src/cli/shipped.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { clamp, mapElements } from '../../src/tensor/arithmetic.ts';
import { pageModel, promptCommand, wordCommand } from '../../src/walkthrough/sections/commands.ts';
import { initialState } from '../../src/walkthrough/state.ts';
import { capturePrinted } from '../cli/console.ts';
import { digestOf, drawn, drawnInWords, lettersModel } from './library.ts';
import { thorough } from '../thorough.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag-page-commands-'));
afterAll(() => rmSync(folder, { recursive: true }));
capturePrinted();

/** The arguments of `pag`, as a shell takes a command apart. */
function argumentsOf(command: string): readonly string[] {
  const words = execFileSync('sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' }).split('\0');
  return words.slice(words.indexOf('--') + 1, -1);
}

describe('the commands that the page gives', () => {
  it('write what the page has computed of the word: the same bits', async () => {
    const [model, file] = [join(folder, 'model'), join(folder, 'e.safetensors')];
    await writeModel(model);
    const command = wordCommand({ word: 'E', seed: 1 }, ' --guidance pag --pag-scale 1', file);
    const named = argumentsOf(command).map((word) => (word === pageModel ? model : word));
    expect(await runCommand(named)).toBe(0);
    const guidance = { kind: 'pag', scale: 1, layers: ['mid_block.attentions.0'] } as const;
    const picture = drawn(await lettersModel(), { seed: 1, slices: [0], labels: [4], guidance });
    expect(digestOf(readTensor(parseSafetensors(readFileSync(file), file), 'sample'))).toBe(digestOf(picture));
  });

  const prompt = 'it\'s a $HOME "E"; it\'s';
  const ofPrompt = (): readonly string[] =>
    argumentsOf(promptCommand({ ...initialState, prompt, promptScales: [1, 0] }));

  it('hold the prompt, whatever stands in it', () => {
    expect(ofPrompt()).toContain(prompt);
  });

  // As the word's does above, by a larger model.
  it.runIf(thorough)('draw what the page draws of the prompt', async () => {
    const file = join(folder, 'words.safetensors');
    const named = ofPrompt().map((word) => (word === 'fixtures/letters-text/model' ? wordsModel : word));
    expect(await runCommand([...named.slice(0, -2), '--latents', file])).toBe(0);
    const pictures = await drawnInWords({ prompt, seed: 0, guidanceScale: 1, pagScale: 0 });
    const brightness = clamp(
      mapElements(pictures, (value) => value / 2 + 0.5),
      0,
      1,
    );
    expect(digestOf(readTensor(parseSafetensors(readFileSync(file), file), 'image'))).toBe(digestOf(brightness));
  });
});
