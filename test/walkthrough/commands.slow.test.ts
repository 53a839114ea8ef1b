import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../scripts/walkthrough/build.ts';
import { runCommand } from '../../src/cli/commands.ts';
import { wordsModel } from '../../src/cli/shipped.ts';
import { parseSafetensors, readTensor } from '../../src/formats/safetensors.ts';
import { clamp, mapElements } from '../../src/tensor/arithmetic.ts';
import { pageModel, promptCommand, wordCommand } from '../../src/walkthrough/sections/commands.ts';
import type { Page } from '../../src/walkthrough/page.ts';
import type { GuidanceChoice, RunRequest } from '../../src/walkthrough/protocol.ts';
import { middleOf, sampleOf } from '../../src/walkthrough/requests.ts';
import { sections } from '../../src/walkthrough/sections/all.ts';
import * as how from '../../src/walkthrough/sections/reproductions.ts';
import { initialState, type State } from '../../src/walkthrough/state.ts';
import { caseName, noLetter, usualStep } from '../../src/walkthrough/study.ts';
import { faults } from '../../src/walkthrough/work/faults.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { passes } from '../../src/walkthrough/work/passes.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { capturePrinted } from '../cli/console.ts';
import { digestOf, drawn, drawnInWords, lettersModel } from './library.ts';
import { thorough } from '../thorough.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag-page-commands-'));
let model: Model;
beforeAll(async () => {
  await writeModel(join(folder, 'model'));
  model = await lettersModel();
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));
capturePrinted();

/** What a figure knows of the page in a state: runs are answered whole. */
function pageWith(state: State): Page {
  // The first step begins with noise: nothing needs to be drawn for it.
  const resultsOf = (request: RunRequest) => (state.step === 0 ? [] : [...sampleRun(model, request)]);
  return {
    state: () => state,
    step: () => state.step ?? usualStep,
    model: { layers: model.unet.attentionLayers, scheduler: model.scheduler },
    client: { run: (request: RunRequest) => ({ results: resultsOf(request), done: true }) },
  } as unknown as Page;
}

/** The arguments of `pag`, as a shell takes a command apart. */
function argumentsOf(command: string): readonly string[] {
  const words = execFileSync('sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' }).split('\0');
  return words.slice(words.indexOf('--') + 1, -1);
}

describe('the commands that the page gives', () => {
  /** Runs a command of the page, and gives what is in the file that it writes. */
  const written = async (command: string, file: string) => {
    const place = join(folder, file);
    const words = argumentsOf(command).map((word) => (word === pageModel ? join(folder, 'model') : word));
    const named = words.map((word) => (word.endsWith('.safetensors') ? join(folder, word) : word));
    expect(await runCommand(named)).toBe(0);
    return parseSafetensors(readFileSync(place), place);
  };

  it('write what the page has computed of the word: the same bits', async () => {
    const command = wordCommand({ word: 'E', seed: 1 }, ' --guidance pag --pag-scale 1', 'e.safetensors');
    const guidance = { kind: 'pag', scale: 1, layers: ['mid_block.attentions.0'] } as const;
    const picture = drawn(model, { seed: 1, slices: [0], labels: [4], guidance });
    expect(digestOf(readTensor(await written(command, 'e.safetensors'), 'sample'))).toBe(digestOf(picture));
  });

  it('write, below the figures, what these have computed: the letter under study, asked for or not', async () => {
    const state = { ...initialState, word: 'EG', seed: 2, letter: 1, scale: 2.5, layersScale: 2.5, layers: [2, 3] };
    const page = pageWith(state);
    const lastOf = (file: Parameters<typeof readTensor>[0]) => digestOf(sampleOf(readTensor(file, 'sample'), 1));
    const drawnWith = (guidance: GuidanceChoice, label = 6) =>
      digestOf(drawn(model, { seed: 2, slices: [1], labels: [label], guidance }));
    const [layers] = how.ofLayers(page).commands;
    const chosen = state.layers.map((place) => page.model.layers[place]);
    expect(lastOf(await written(layers, 'layers.safetensors'))).toBe(
      drawnWith({ kind: 'pag', scale: 2.5, layers: chosen }),
    );
    const [, knob] = how.ofKnob({ ...page, state: () => ({ ...state, asked: false }) }).commands;
    const asked = `--labels ${noLetter} --count 2 --null-label ${noLetter} --seed 2 --steps 20`;
    const guided = '--guidance cfg --guidance-scale 3.5 --latents knob-cfg.safetensors';
    expect(argumentsOf(knob).join(' ')).toBe(`sample --model ${pageModel} ${asked} ${guided}`);
    // What such arguments draw is asked above, of a letter.
    if (thorough)
      expect(lastOf(await written(knob, 'knob-cfg.safetensors'))).toBe(drawnWith({ kind: 'none' }, noLetter));
  });

  it('read, below figures of single passes, the noisy picture of the step, and write both predictions', async () => {
    const page = pageWith({ ...initialState, word: 'E', letter: 0, step: 3 });
    const { input, commands } = how.ofDirection(page);
    const { name, bytes } = input!()!;
    writeFileSync(join(folder, name), bytes);
    const file = await written(commands[0], 'passes.safetensors');
    const run = { seed: 0, slices: [0], labels: [4], guidance: { kind: 'none' } } as const;
    const sample = [...sampleRun(model, run)][2].sample;
    const perturbations = [middleOf(page.model.layers)];
    const [two] = [...passes(model, { sample, index: 3, label: 4, perturbations, unconditional: true, taps: [] })];
    const [plain, empty] = [0, 1].map((i) => digestOf(sampleOf(readTensor(file, 'sample'), i)));
    expect([plain, empty]).toEqual([digestOf(two.plain), digestOf(two.unconditional!)]);
    expect(digestOf(sampleOf(readTensor(file, 'perturbed'), 0))).toBe(digestOf(two.perturbed[0]));
  });

  it('are there for every figure, or it is said why not', () => {
    const page = pageWith({ ...initialState, word: 'E', letter: 0, step: 0 });
    for (const { name, reproduce } of sections.filter(
      ({ name }) => !['engine', 'bar', 'break', 'take'].includes(name),
    )) {
      const { note, commands, input } = reproduce!(page);
      expect(commands.length > 0, name).toBe(!note.startsWith('No command: '));
      for (const command of commands.filter((one) => one.includes('--input')))
        expect(command).toContain(input!()!.name);
    }
  });

  it('ask a port, below the oracle, the case that finds the mistake', () => {
    for (const { name, kernels } of faults) {
      const [write, check] = how.ofOracle(pageWith({ ...initialState, step: 0, fault: name })).commands;
      const asked = kernels ? caseName : 'runs/pag';
      expect([argumentsOf(write).slice(0, 2), argumentsOf(check).slice(0, 2)], name).toEqual([
        ['export', asked],
        ['check', asked],
      ]);
    }
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
