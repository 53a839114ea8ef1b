import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync, inflateSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { drawFrom } from '../../src/walkthrough/training/lesson.ts';
import { pointsLesson } from '../../src/walkthrough/training/points.ts';
import { shapes } from '../../src/walkthrough/training/shapes.ts';
import { readChunks } from '../../src/formats/png-chunks.ts';
import { writeSafetensors } from '../../src/formats/safetensors.ts';
import { freeRun, middleOf, usualScale } from '../../src/walkthrough/requests.ts';
import type { GuidanceChoice, PassesResult, RunRequest } from '../../src/walkthrough/protocol.ts';
import { initialState } from '../../src/walkthrough/state.ts';
import { caseName, noLetter, usualStep } from '../../src/walkthrough/study.ts';
import { headOf, rowOf, spreadOf, tokenAt } from '../../src/walkthrough/work/attention.ts';
import { stepCost } from '../../src/walkthrough/work/cost.ts';
import { film } from '../../src/walkthrough/work/film.ts';
import { influences } from '../../src/walkthrough/work/influence.ts';
import { plainName } from '../../src/walkthrough/work/layers.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { noiseOf } from '../../src/walkthrough/work/noise.ts';
import { blank, penned } from '../../src/walkthrough/work/own.ts';
import { checkPage } from '../../src/walkthrough/work/oracle.ts';
import { passes } from '../../src/walkthrough/work/passes.ts';
import { guidancePlane, guidedBy } from '../../src/walkthrough/work/plane.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { pairsOf } from '../../src/walkthrough/work/tasting.ts';
import { sections } from '../../src/walkthrough/sections/all.ts';
import { layers } from '../../scripts/evaluation/points.ts';
import { loadCase } from '../oracle/cases.ts';
import { chromiumPath, openReader, type Reader } from './browser.ts';
import { eventually } from './eventually.ts';
import { digestOf, drawn, drawnInWords, lettersModel } from './library.ts';
import { learnedUntil } from './training/learned.ts';

if (!chromiumPath)
  console.warn(
    'No Chromium at /usr/bin/chromium, and CHROMIUM names none: the tests of the walkthrough page are skipped.',
  );

const [seed, label, step] = [1, 4, 4]; // the E of the noise with which the page begins, early on
const middle = middleOf(layers);
const request = (guidance: GuidanceChoice, asked = label): RunRequest => ({
  seed,
  slices: [0],
  labels: [asked],
  guidance,
});

/** What axe has to say. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** The parts of a PNG, with pixels as they are: engines compress them differently. Of other files all bytes. */
function partsOf(bytes: Uint8Array): readonly unknown[] {
  if (bytes[0] !== 0x89) return [...bytes];
  const numbered = { IDAT: 0, fdAT: 4 } as Readonly<Record<string, number | undefined>>;
  return readChunks(bytes, raise).map(({ type, data }) => {
    const begin = numbered[type];
    return {
      type,
      data: begin === undefined ? [...data] : [...data.subarray(0, begin), ...inflateSync(data.subarray(begin))],
    };
  });
}

function raise(message: string): never {
  throw new Error(message);
}

describe.skipIf(!chromiumPath)('the walkthrough page', () => {
  let reader: Reader;
  let model: Model;
  let page: Page;
  let problems: string[];
  /** x_t at the step, drawn by the model alone. */
  let picture: Tensor;

  beforeAll(async () => {
    [reader, model] = [await openReader(chromiumPath!), await lettersModel()];
    picture = [...sampleRun(model, request({ kind: 'none' }))][step - 1].sample;
    ({ page, problems } = await reader.open(`word=E&seed=${seed}&step=${step}&layer=2&head=0&pixel=16,12`));
  }, 120_000);
  afterAll(() => reader?.close(), 60_000);

  const section = (name: string) => page.locator(`[data-section=${name}]`);
  const input = (name: string) => page.locator(`input[name=${name}]`);
  /** Waits until what is computed for an element has this fingerprint. */
  const expectDigest = async (selector: string, tensor: Tensor): Promise<void> => {
    await page
      .locator(`${selector}[data-digest="${digestOf(tensor)}"]`)
      .waitFor({ state: 'attached', timeout: 60_000 });
  };
  const show = (name: string): Promise<void> => section(name).scrollIntoViewIfNeeded();
  const setSlider = (name: string, value: number): Promise<void> => input(name).first().fill(String(value));
  const pixels = (name: string, label: string): Promise<string> =>
    section(name)
      .locator(`canvas[aria-label^="${label}"]`)
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
  const passesOf = (
    perturbations: readonly (readonly string[])[],
    taps: readonly string[] = [],
  ): Required<PassesResult> =>
    [
      ...passes(model, { sample: picture, index: step, label, perturbations, unconditional: true, taps }),
    ][0] as Required<PassesResult>;
  const believed = (prediction: Tensor): Tensor => model.scheduler.predictOriginal(picture, prediction, step);

  it('weighs at most 4 MB before a prompt is typed: page, code and model, compressed', () => {
    const files = readdirSync(reader.folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => !/^(?:words|oracle|trainer|model)/.test(name) && statSync(join(reader.folder, name)).isFile())
      .map((name) => gzipSync(readFileSync(join(reader.folder, name))).length);
    const bytes = files.reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeGreaterThan(3.2e6); // the model is there
    expect(bytes).toBeLessThanOrEqual(4e6);
  });

  it('draws the word, with and without PAG, as the library does in Node: the same bits', async () => {
    await show('word');
    await expectDigest('[data-section=word] [data-guidance=none]', drawn(model, request({ kind: 'none' })));
    await expectDigest(
      '[data-section=word] [data-guidance=pag]',
      drawn(model, request({ kind: 'pag', scale: 1, layers: middle })),
    );
    await show('hero');
    await eventually(() => section('engine').locator('.engine').textContent()).toContain('WebAssembly SIMD');
  });

  it('begins with what nobody asked for: the first noises, which PAG mends and CFG leaves as they are', async () => {
    await show('hero');
    const guidance = { kind: 'pag', layers: middle } as const;
    const guided = (scale: number) => drawn(model, freeRun({ ...initialState, seed }, { ...guidance, scale }));
    await expectDigest('[data-section=hero] [data-guidance=pag]', guided(usualScale));
    await setSlider('hero-scale', 2.5);
    await expectDigest('[data-section=hero] [data-guidance=pag]', guided(2.5));
    await setSlider('hero-scale', usualScale);
    const digest = (kind: string) => section('hero').locator(`[data-guidance=${kind}]`).getAttribute('data-digest');
    await eventually(() => digest('cfg')).toBeTruthy();
    expect(await digest('cfg')).toBe(await digest('none'));
  });

  it('shows one step closely: spoilt, as it is and guided, of all the first pictures', async () => {
    await show('trio');
    const run = freeRun({ ...initialState, seed }, { kind: 'none' });
    const sample = [...sampleRun(model, run)][step - 1].sample;
    const asked = { sample, index: step, label: noLetter, perturbations: [middle], unconditional: false, taps: [] };
    const [{ plain, perturbed }] = [...passes(model, asked)];
    const guided = guidedBy({ plain, perturbed, unconditional: plain }, usualScale, 1);
    const rows = { spoilt: perturbed[0], none: plain, pag: guided };
    for (const [kind, prediction] of Object.entries(rows))
      await expectDigest(
        `[data-section=trio] [data-guidance=${kind}]`,
        model.scheduler.predictOriginal(sample, prediction, step),
      );
  });

  it('1: scrubs through the steps, by pointer and by keyboard', async () => {
    await show('noise');
    await expectDigest('[data-section=noise]', drawn(model, request({ kind: 'none' })));
    const before = [await pixels('noise', 'the noisy picture'), await pixels('noise', 'what the model takes')];
    await input('step').focus();
    await page.keyboard.press('ArrowRight');
    await eventually(() => section('noise').locator('.slider output').first().textContent()).toBe(`${step + 1} of 20`);
    await eventually(() => pixels('noise', 'the noisy picture')).not.toBe(before[0]);
    expect(await pixels('noise', 'what the model takes')).not.toBe(before[1]);
    expect(await section('noise').textContent()).toContain(`at t = ${model.scheduler.timesteps[step + 1]}`);
    await page.keyboard.press('ArrowLeft');
    await section('noise').getByText('with PAG').click();
    await expectDigest('[data-section=noise]', drawn(model, request({ kind: 'pag', scale: 1, layers: middle })));
    await eventually(() => page.url()).toContain('guided=yes'); // all of it is in the URL
  });

  it('2: shows what a pixel attends to, and flips the map', async () => {
    await show('attention');
    const layer = middle[0];
    const seen = passesOf([middle, layers], [`${layer}.map`, `${layer}.to_v`]);
    await expectDigest('[data-section=attention]', believed(seen.plain));
    const spread = section('attention').locator('.column').first().locator('.number');
    const head = headOf(seen, layer, 0);
    const expected = (x: number, y: number): string =>
      `${spreadOf(rowOf(head, tokenAt([x, y], 32, 64))).toFixed(1)} of 64 places`;
    await eventually(() => spread.first().textContent()).toBe(expected(16, 12));

    const picker = section('attention').locator('.outlined[tabindex]');
    await picker.focus();
    for (let i = 0; i < 8; i++) await page.keyboard.press('ArrowLeft');
    await eventually(() => spread.first().textContent()).toBe(expected(8, 12));
    const box = (await picker.boundingBox())!;
    await page.mouse.click(box.x + (box.width * 24.5) / 32, box.y + (box.height * 4.5) / 32);
    await eventually(() => spread.first().textContent()).toBe(expected(24, 4));

    await section('attention').locator('.choice').getByText('identity in this layer').click();
    await expectDigest('[data-section=attention]', believed(seen.perturbed[0]));
    await section('attention').locator('.choice').getByText('identity in all 7').click();
    await expectDigest('[data-section=attention]', believed(seen.perturbed[1]));
  });

  it('2: brushes away what nobody shall hear', async () => {
    await show('brush');
    await section('brush').locator('.pad').focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Space');
    await eventually(() => page.url()).toContain('hushed=35');
    const asked = { sample: picture, index: step, label, perturbations: [], unconditional: false, taps: [] };
    const [{ hushed }] = [...passes(model, { ...asked, hushed: [35] })];
    await expectDigest('[data-section=brush]', believed(hushed!));
    await section('brush').getByText('brush all away').click();
    await expectDigest('[data-section=brush]', believed(passesOf([layers]).perturbed[0]));
    await section('brush').getByText('bring all back').click();
  });

  it('3: moves the prediction in the plane, by slider and by dragging', async () => {
    await show('direction');
    const plane = guidancePlane(passesOf([middle]));
    await expectDigest('[data-section=direction]', plane.guided(3, 1));
    await setSlider('plane-s', 4);
    await setSlider('plane-g', 2.5);
    await expectDigest('[data-section=direction]', plane.guided(4, 2.5));
    const outside = (prediction: Tensor): string => {
      const beyond = believed(prediction).data.filter((value) => value < -1.25 || value > 1.25);
      return `${Math.round((100 / 1024) * beyond.length)} %`;
    };
    expect(await section('direction').locator('.triple').textContent()).toMatch(
      new RegExp(`${outside(plane.guided(0, 1))} of it lies far beyond .*paper: ${outside(plane.guided(4, 2.5))}$`),
    );
    await section('direction').locator('button[name=plane-far]').click();
    await expectDigest('[data-section=direction]', plane.guided(10, 3));
    // From where the point is to ε̂: s = −1.
    await section('direction').locator('.plane-view').scrollIntoViewIfNeeded();
    const [from, to] = await Promise.all(
      ['.handle', 'circle.spoilt'].map(async (dot) => (await section('direction').locator(dot).boundingBox())!),
    );
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 4 });
    await page.mouse.up();
    await expectDigest('[data-section=direction]', plane.guided(-1, 1));
  });

  it('4: turns the knob from the same noise, PAG and CFG, with a letter and without', async () => {
    await show('knob');
    await setSlider('scale', 2.25);
    await expectDigest(
      '[data-section=knob] [data-guidance=pag]',
      drawn(model, request({ kind: 'pag', scale: 2.25, layers: middle })),
    );
    await expectDigest('[data-section=knob] [data-guidance=cfg]', drawn(model, request({ kind: 'cfg', scale: 3.25 })));
    // Each in its own scale: equally far beyond ε.
    for (const text of ['PAG s = 2.25', 'CFG g = 3.25']) await section('knob').getByText(text).waitFor();
    await section('knob').getByText('no letter').click();
    // Without a letter CFG pushes away from nothing: it is the model alone.
    await expectDigest('[data-section=knob] [data-guidance=cfg]', drawn(model, request({ kind: 'none' }, noLetter)));
  });

  it('4: finishes a letter that was drawn by hand', async () => {
    await setSlider('burial', 4);
    await show('own');
    await section('own').getByText('blank paper').click();
    const [paper] = await section('own').locator('.pad').all();
    const box = (await paper.boundingBox())!;
    const press = (x: number, y: number): Promise<void> =>
      page.mouse.click(box.x + (box.width * (x + 0.5)) / 32, box.y + (box.height * (y + 0.5)) / 32);
    const rubber = section('own').locator('button[name=rub-out]');
    await press(24, 24);
    await rubber.dispatchEvent('click');
    await press(24, 24);
    await rubber.dispatchEvent('click');
    // Ink stays where a stroke meets it again.
    await press(16, 8);
    await press(16, 8);
    const run = { ...request({ kind: 'pag', scale: 1, layers: middle }, noLetter) };
    await expectDigest('[data-section=own]', drawn(model, { ...run, from: { own: penned(blank, [16, 8]), steps: 4 } }));
  });

  it('4: lets the reader taste, without a word of which is which, and uncovers all pairs in the end', async () => {
    await show('tasting');
    const tasting = section('tasting');
    await tasting.locator('button[name=taste]').press('Enter');
    // Where a button goes that was pressed, the keyboard stays.
    const focused = () => page.evaluate(() => document.activeElement?.className);
    expect(await focused()).toBe('question');
    const pairs = pairsOf(seed).flat();
    for (const [i] of pairs.entries()) {
      await eventually(() => tasting.locator('.question').textContent()).toContain(`Pair ${i + 1} of 12`);
      for (const hidden of ['.chart', '.tasted']) expect(await tasting.locator(hidden).isVisible(), hidden).toBe(false);
      await tasting.getByRole('button', { name: 'the left one' }).click({ timeout: 60_000 });
    }
    await tasting.locator('.tasted').waitFor();
    expect(await focused()).toBe('question');
    const columns = await tasting.locator('.tasted > div').evaluateAll((all) =>
      all.map((column) => ({
        scale: Number(column.querySelector('b')!.textContent.replace('s = ', '')),
        pairs: [...column.querySelectorAll('figure')].map((pair) => ({
          guidedFirst: pair.querySelector('canvas')!.hasAttribute('data-guided'),
          wasTaken: pair.textContent.startsWith('you ✓'),
        })),
      })),
    );
    for (const { scale, pairs: shown } of columns) {
      const expected = pairs.filter((pair) => pair.scale === scale).map(({ guidedFirst }) => guidedFirst);
      expect(shown).toEqual(expected.map((guidedFirst) => ({ guidedFirst, wasTaken: guidedFirst })));
    }
    await eventually(() => tasting.locator('.tasted').textContent()).toMatch(/classifier [✓✗]/);
  }, 120_000);

  it('5: lets the reader guess, then perturb any layers', async () => {
    await show('layers');
    await setSlider('layers-scale', 2.25);
    const shares = influences(passesOf(layers.map((layer) => [layer])));
    const most = layers[shares.indexOf(Math.max(...shares))];
    expect(
      await section('layers')
        .locator('.bar')
        .first()
        .evaluate((bar) => bar.getBoundingClientRect().width),
    ).toBe(0);
    await section('layers').locator('[data-layer="mid_block.attentions.0"] button').click();
    await eventually(() => section('layers').locator('.question').textContent()).toContain(
      `It is “${plainName(layers, most)}”`,
    );
    await eventually(() => section('layers').locator('.layer-row .number').allTextContents()).toEqual(
      shares.map((share) => `${(share * 100).toFixed(2)} %`),
    );

    await section('layers').locator('.attention-box[data-layer="up_blocks.0.attentions.0"]').click();
    const chosen = ['mid_block.attentions.0', 'up_blocks.0.attentions.0'];
    await expectDigest('[data-section=layers]', drawn(model, request({ kind: 'pag', scale: 2.25, layers: chosen })));
    const { shared, plain, perturbed } = stepCost(model.unet, chosen);
    expect(await section('layers').locator('.cost-text').textContent()).toContain(
      `${Math.round(((shared + plain + perturbed) / (shared + plain)) * 100)} % of one pass`,
    );
  });

  it('6: draws what words ask for, and loads what draws it only then', async () => {
    await show('words');
    const asked: string[] = [];
    page.on('request', (one) => asked.push(new URL(one.url()).pathname));
    await setSlider('prompt-g', 1);
    await input('prompt').fill(`a bold letter G ${'very '.repeat(40)}`);
    expect(asked.filter((path) => path.startsWith('/words'))).toEqual([]);
    await section('words').locator('button[name=draw]').click();
    await eventually(() => section('words').locator('.verdict').textContent()).toMatch(/too long.* “very very/);
    await section('words').locator('button[name=prompt-stop]').click();
    await eventually(() => section('words').locator('.status').isVisible()).toBe(false);
    await input('prompt').fill('a light letter G');
    await page.keyboard.press('Enter');
    const prompt = { prompt: 'a light letter G', seed, guidanceScale: 1, pagScale: 1 };
    await expectDigest('[data-section=words] [data-guidance=both]', await drawnInWords(prompt));
  });

  it('trains a model of points when it is asked to, with the bits of Node, and draws with PAG at once', async () => {
    const asked: string[] = [];
    page.on('request', (one) => {
      if (one.url().endsWith('/trainer.js')) asked.push(one.url());
    });
    await show('train');
    const train = section('train');
    const lesson = pointsLesson(shapes.spiral, seed);
    const backend = simdBackend();
    const state = learnedUntil(lesson, backend, lesson.every);
    expect(asked).toEqual([]);
    await train.locator('button[name=train]').click();
    await expectDigest('[data-section=train][data-step="100"]', drawFrom(lesson, backend, state, 1).at(-1)!);
    expect(asked).toHaveLength(1);
    await train.locator('button[name=pause]').click();
    await eventually(() => train.locator('.status').textContent()).toMatch(/^paused: \d+ of 1,200 steps/);
    await setSlider('lesson-scale', 2.5);
    await eventually(() => train.getAttribute('data-scale')).toBe('2.5');
    await train.locator('button[name=go-on]').click();
    await eventually(() => train.locator('.status').textContent()).toContain('learning');
    // Another shape is another training.
    await train.getByText('your own').click();
    await eventually(() => train.locator('.status').textContent()).toBe('Draw something to learn.');
    expect(await train.locator('button[name=train]').isDisabled()).toBe(true);
    await train.locator('.pad').focus();
    await page.keyboard.press('Space');
    await train.locator('button[name=train]:enabled').click();
    await eventually(() => train.getAttribute('data-step')).toBe('0');
    await train.getByText('a spiral').click();
  });

  it('7: shows the source that ran, and that plain loops and fast kernels agree to the bit', async () => {
    await show('hood');
    await section('hood').getByRole('tab', { name: 'the identity' }).click();
    const code = await section('hood').locator('[data-excerpt=identity] code').allTextContents();
    const source = readFileSync(
      fileURLToPath(new URL('../../src/nn/attention-perturbations/identity.ts', import.meta.url)),
      'utf8',
    );
    expect(source).toContain(code.join('\n'));
    await page.keyboard.press('ArrowRight');
    expect(await section('hood').locator('[data-excerpt]').getAttribute('data-excerpt')).toBe('kernel');
    await section('hood').locator('button[name=prove]').click();
    await section('hood').locator('.verdict[data-same=true]').waitFor({ timeout: 60_000 });
    const [{ perturbed }] = [
      ...passes(model, {
        sample: noiseOf(request({ kind: 'none' })),
        index: 0,
        label,
        perturbations: [middle],
        unconditional: false,
        taps: [],
      }),
    ];
    await eventually(() => section('hood').locator('.digest').allTextContents()).toEqual([
      digestOf(perturbed[0]),
      digestOf(perturbed[0]),
    ]);
  });

  it('ports.html: breaks the model as is chosen; the oracle asks, right and broken, and finds out', async () => {
    const ports = await reader.open(`word=E&seed=${seed}`, {}, {}, 'ports.html');
    const [broken, oracle] = ['break', 'oracle'].map((name) => ports.page.locator(`[data-section=${name}]`));
    const fault = { ...request({ kind: 'pag', scale: 1, layers: middle }), fault: 'norm-eps-1e-6' as const };
    await broken.getByText('in the group norms').click();
    await ports.page.locator(`[data-section=break][data-digest="${digestOf(drawn(model, fault))}"]`).waitFor();
    expect(await broken.locator('.verdict').textContent()).toContain('norm-eps-1e-6');

    const [right] = [...checkPage(model, await loadCase(caseName), {})];
    await oracle.scrollIntoViewIfNeeded();
    const rows = oracle.locator('.checked');
    await eventually(() => rows.locator('.badge').first().textContent()).toBe(
      `${right.taps} of ${right.taps} taps within budget`,
    );
    expect(await rows.first().textContent()).toContain(right.verdict.slice(1));
    await eventually(() => rows.last().textContent()).toMatch(
      /“First divergence: down_blocks\.0\.resnets\.0\.norm1\..*” What explains it: norm-eps-1e-6\./,
    );
    expect(await rows.locator('.badge[data-passes=false]').textContent()).toMatch(
      /^\d{1,2} of 158 taps within budget$/,
    );
    await broken.getByText('where s is meant').click();
    await oracle.scrollIntoViewIfNeeded();
    await eventually(() => rows.last().textContent()).toContain('the case runs/pag says “pag-sign”');
    await oracle.locator('.reproduce summary').click();
    await eventually(() => oracle.locator('.command').last().textContent()).toBe(
      'npm run -s pag -- check runs/pag THEIRS.safetensors',
    );
    expect(await broken.locator('.reproduce').count()).toBe(0);
    expect(await rows.last().locator('.badge').isVisible()).toBe(false);
    expect(ports.problems).toEqual([]);
    await ports.page.context().close();
  });

  it('8: gives the numbers away, and a link that brings all of it back', async () => {
    await show('take');
    const saved = page.waitForEvent('download');
    await page.locator('button[name=download-pag]:enabled').click();
    const bytes = readFileSync(await (await saved).path());
    const run = request({ kind: 'pag', scale: 1, layers: middle });
    const steps = [...sampleRun(model, run)];
    const expected = writeSafetensors({
      noise: noiseOf(run),
      ...Object.fromEntries(steps.map(({ sample }, i) => [`step.${i}`, sample])),
      sample: steps.at(-1)!.sample,
    });
    expect(Buffer.compare(bytes, expected)).toBe(0);
    const pictures = [...steps.map(({ denoised }) => denoised!), steps.at(-1)!.sample];
    for (const [name, format] of [['animation', 'png'] as const, ['gif', 'gif'] as const]) {
      const filmed = page.waitForEvent('download');
      await page.locator(`button[name=${name}-pag]`).click();
      const { file } = await film({ title: 'with PAG', pictures, format });
      expect(partsOf(readFileSync(await (await filmed).path())), format).toEqual(partsOf(file));
    }
    // A command breaks between its words only, and is copied as it is.
    const command = section('take').getByLabel('command, with PAG');
    expect(await command.textContent()).toContain(' --steps 20 --guidance pag --pag-scale 1 --latents ');
    expect(await command.locator('span').evaluateAll((words) => words.map((it) => it.getClientRects().length))).toEqual(
      Array.from({ length: (await command.textContent())!.split(' ').length }, () => 1),
    );
    await setSlider('layers-scale', 3.5);
    await eventually(() => page.url()).toContain('layersScale=3.5');
    const link = await input('link').inputValue();
    expect(link).toBe(page.url());
    const other = await reader.open(link.split('#')[1]);
    await other.page.locator('[data-section=word]').scrollIntoViewIfNeeded();
    await eventually(() => other.page.locator('[data-section=word] input[name=word]').inputValue()).toBe('E');
    await other.page.locator('[data-section=take]').scrollIntoViewIfNeeded();
    await eventually(() => other.page.locator('input[name=link]').inputValue()).toBe(link);
    await other.page.context().close();
  });

  it('embeds a single figure, with its state, and nothing else', async () => {
    const alone = await reader.open(`step=${step}`, {}, {}, '?figure=noise');
    await eventually(() => alone.page.locator('[data-section]').count()).toBe(2); // the figure, and what computes
    await alone.page.locator('[data-section=noise] .status[data-state=done]').waitFor({ timeout: 60_000 });
    expect(await alone.page.locator('input[name=step]').inputValue()).toBe(String(step));
    await eventually(() => alone.page.locator('.engine').textContent()).toContain('WebAssembly SIMD');
    for (const { name } of sections.filter(({ reproduce, name }) => reproduce !== undefined || name === 'take')) {
      const other = name === 'break' || name === 'oracle' ? 'ports.html' : '';
      await alone.page.goto(new URL(`/${other}?figure=${name}`, alone.page.url()).href);
      await alone.page.locator(`[data-section=${name}] > *`).first().waitFor();
      expect(await alone.page.locator('main > *').count(), name).toBe(4); // heading, figure, engine, link
    }
    expect(alone.problems).toEqual([]);
    await alone.page.goto(new URL('/?figure=x', alone.page.url()).href);
    await eventually(() => alone.page.getByRole('alert').textContent()).toContain(
      'it has no figure "x"; there are hero',
    );
    await alone.page.context().close();
  }, 180_000);

  it('has said no error, asked for nothing elsewhere, and names all its controls', async () => {
    expect(problems).toEqual([]);
    const nameless = await page
      .locator('button, input, select, canvas[role=img], [tabindex="0"]')
      .evaluateAll((elements) =>
        elements
          .filter(
            (found) =>
              found.checkVisibility() &&
              !(
                found.getAttribute('aria-label') ||
                found.textContent?.trim() ||
                found.closest('label')?.textContent?.trim()
              ),
          )
          .map((found) => found.outerHTML),
      );
    expect(nameless).toEqual([]);
  });

  it.each(['light', 'dark'] as const)('has nothing that axe finds, in %s', async (colorScheme) => {
    const fresh = await reader.open('', { colorScheme });
    for (const name of ['why', 'layers', 'take']) {
      await fresh.page.locator(`[data-section=${name}]`).scrollIntoViewIfNeeded();
      await fresh.page.waitForTimeout(200);
    }
    for (const details of await fresh.page.locator('details').all())
      await details.evaluate((found) => ((found as HTMLDetailsElement).open = true));
    await fresh.page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
    const found = await fresh.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: readonly Violation[] }> } };
      const { violations } = await axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`);
    });
    expect(found).toEqual([]);
    await fresh.page.context().close();
  });

  it('opens each section at the step where what it says can be seen, until the reader moves it', async () => {
    // On a screen that shows both: what takes most of it is being read.
    const fresh = await reader.open(`word=E&seed=${seed}`, { viewport: { width: 1280, height: 3000 } });
    const steps = () =>
      Promise.all(
        ['step', 'attention-step', 'bar-step'].map((name) => fresh.page.locator(`input[name=${name}]`).inputValue()),
      );
    await fresh.page.locator('[data-section=take] .command').first().waitFor(); // all is in its place
    await fresh.page.locator('[data-section=noise]').evaluate((one) => one.scrollIntoView());
    await eventually(steps).toEqual([String(usualStep), '4', '4']);
    await fresh.page.locator('input[name=step]').fill('6');
    await eventually(steps).toEqual(['6', '6', '6']);
    await fresh.page.context().close();
  });

  it('leads by keyboard to any heading, and stays there', async () => {
    const fresh = await reader.open(`word=E&seed=${seed}`);
    const focused = () => fresh.page.evaluate(() => document.activeElement?.id ?? '');
    await fresh.page.locator('select[name=contents]').focus();
    // The first press opens the list.
    for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'Enter'])
      await fresh.page.keyboard.press(key);
    await eventually(focused).toBe('noise-title');
    await fresh.page.keyboard.press('Tab');
    expect(
      await fresh.page.evaluate(() => document.activeElement?.closest('section')?.getAttribute('aria-labelledby')),
    ).toBe('noise-title');
    expect(fresh.problems).toEqual([]);
    await fresh.page.context().close();
  });

  it('keeps letter, step and contents in view, and undoes with Back', async () => {
    const fresh = await reader.open(`word=OE&letter=0&seed=${seed}&step=${step}`);
    const bar = fresh.page.locator('.topbar');
    await fresh.page.locator('[data-section=layers]').scrollIntoViewIfNeeded();
    await bar.locator('select').selectOption({ label: '3 Two predictions, one direction' });
    await eventually(() =>
      fresh.page.locator('#direction-title').evaluate((found) => Math.round(found.getBoundingClientRect().top)),
    ).toBeLessThan(200);
    await bar.getByRole('button', { name: 'E', exact: true }).click();
    await eventually(() => fresh.page.url()).toContain('letter=1');
    await fresh.page.locator('input[name=bar-step]').fill('7');
    await eventually(() => fresh.page.url()).toContain('step=7');
    expect(await bar.evaluate((found) => found.getBoundingClientRect().top)).toBe(0);
    expect(await fresh.page.locator('input[name=bar-step]').getAttribute('aria-valuetext')).toBe('7 of 20');
    // A phone says as much, in small print.
    await fresh.page.setViewportSize({ width: 375, height: 740 });
    for (const shown of ['.slider span', '.slider output', '.bar-noise span >> nth=0'])
      expect(await bar.locator(shown).isVisible(), shown).toBe(true);
    const [slider, said] = await Promise.all([
      bar.locator('.slider').boundingBox(),
      bar.locator('output').boundingBox(),
    ]);
    expect(said!.x + said!.width).toBeLessThanOrEqual(slider!.x + slider!.width);
    expect(slider!.x + slider!.width).toBeLessThanOrEqual(375);
    await fresh.page.setViewportSize({ width: 1280, height: 900 });
    await fresh.page.goBack();
    await eventually(() => fresh.page.locator('input[name=bar-step]').inputValue()).toBe(String(step));
    await fresh.page.goBack();
    await eventually(() => bar.locator('[aria-pressed=true]').textContent()).toBe('O');
    // The word and the noise are at hand, too.
    await bar.locator('input[name=bar-word]').fill('ox');
    await eventually(() => fresh.page.url()).toContain('word=OX');
    await bar.locator('button[name=bar-noise]').click();
    await eventually(() => fresh.page.url()).toContain(`seed=${seed + 1}`);
    expect(fresh.problems).toEqual([]);
    await fresh.page.context().close();
  });

  it('says what a term means on hover, by keyboard, and when it is pressed', async () => {
    const fresh = await reader.open();
    await fresh.page.locator('[data-section=take] .command').first().waitFor(); // all is in its place
    const [term, note] = [fresh.page.locator('.term[popovertarget=head-note]'), fresh.page.locator('#head-note')];
    expect(await note.isVisible()).toBe(false);
    // Below it, or above it where it stands low on the screen. The pointer may have to come again: what stands above
    // still grows, and moves the term from under it.
    await eventually(async () => {
      await fresh.page.mouse.move(0, 0);
      await term.hover();
      const [word, text] = [await term.boundingBox(), await note.boundingBox()];
      if (!word || !text) return false;
      const apart = text.y > word.y ? text.y - word.y - word.height : word.y - text.y - text.height;
      return Math.abs(apart) < word.height;
    }).toBe(true);
    await fresh.page.mouse.move(0, 0);
    await eventually(() => note.isVisible()).toBe(false);
    await term.press('Enter');
    await eventually(() => note.isVisible()).toBe(true);
    await fresh.page.keyboard.press('Tab');
    await eventually(() => note.isVisible()).toBe(false);
    await fresh.page.context().close();
  });

  it('has a map of the network: it marks what one reads about, and leads to any attention layer', async () => {
    const fresh = await reader.open(`seed=${seed}&layer=2`, { viewport: { width: 375, height: 700 } });
    const map = fresh.page.locator('.map');
    const marked = () =>
      map.locator('.map-panel [data-chosen]').evaluateAll((all) => all.map((one) => one.getAttribute('data-layer')));
    await fresh.page.locator('[data-section=take] .command').first().waitFor(); // all is in its place
    await fresh.page.locator('[data-section=brush]').evaluate((one) => one.scrollIntoView());
    await map.locator('summary').click();
    await eventually(marked).toEqual(layers);
    const site = map.locator('[role=button][data-layer="up_blocks.0.attentions.1"]');
    const { width, height } = (await site.boundingBox())!;
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(24);
    await site.focus();
    await eventually(() => map.locator('.map-text').textContent()).toBe('way up 2: up_blocks.0.attentions.1');
    await fresh.page.keyboard.press('Enter');
    await eventually(marked).toEqual(['up_blocks.0.attentions.1']);
    await eventually(() => fresh.page.url()).toContain('layer=4');
    expect(
      await fresh.page.locator('[data-section=attention]').evaluate((one) => one.getBoundingClientRect().top),
    ).toBeLessThan(100);
    expect(fresh.problems).toEqual([]);
    await fresh.page.context().close();
  });

  it('goes to whatever the address names', async () => {
    const fresh = await reader.open('layers-title');
    await eventually(() =>
      fresh.page.locator('#layers-title').evaluate((one) => Math.round(one.getBoundingClientRect().top)),
    ).toBeLessThan(200);
    const knob = fresh.page.locator('[data-section=knob]');
    await fresh.page.evaluate(() => {
      location.hash = 'knob';
    });
    await eventually(() => knob.evaluate((one) => Math.round(one.getBoundingClientRect().top))).toBeLessThan(200);
    // A figure that is folded away is unfolded.
    const folded = fresh.page.locator('[data-section=letters]');
    expect(await folded.isVisible()).toBe(false);
    await fresh.page.evaluate(() => {
      location.hash = 'letters';
    });
    await eventually(() => folded.isVisible()).toBe(true);
    for (const wild of ['no-such-place', '%E0%A4%A', '"]', 'a=b', 'step=3'])
      await fresh.page.evaluate((hash) => {
        location.hash = hash;
      }, wild);
    await eventually(() => fresh.page.locator('input[name=bar-step]').inputValue()).toBe('3');
    expect(fresh.problems).toEqual([]);
    await fresh.page.context().close();
  });

  it('draws all figures before it prints, by the keys that print, and opens the answers for paper', async () => {
    const fresh = await reader.open(`word=E&seed=${seed}`);
    await fresh.page.locator('[data-section=take] .command').first().waitFor(); // all is in its place
    await fresh.page.evaluate(() => {
      window.print = () => {
        dispatchEvent(new Event('beforeprint'));
        document.body.dataset['printed'] = '';
      };
    });
    await fresh.page.keyboard.press('Control+p');
    await eventually(() => fresh.page.locator('dialog.printing').textContent()).toMatch(
      /Drawing for paper: \d+ of \d+/,
    );
    await fresh.page.locator('body[data-printed]').waitFor({ timeout: 240_000 });
    await fresh.page.emulateMedia({ media: 'print' });
    const blank = fresh.page.locator('.stage canvas.waiting:visible');
    expect(await blank.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')))).toEqual([]);
    expect(await fresh.page.locator('details:is(.guess, .more):not([open])').count()).toBe(0);
    for (const hidden of ['.topbar', 'dialog', '[data-section=take] button'])
      expect(await fresh.page.locator(`${hidden}:visible`).count(), hidden).toBe(0);
    await fresh.page.evaluate(() => dispatchEvent(new Event('afterprint')));
    expect(await fresh.page.locator('details:is(.guess, .more)[open]').count()).toBe(0);
    expect(fresh.problems).toEqual([]);
    await fresh.page.context().close();
  }, 300_000);

  it('says on paper what has not been drawn, where it was printed otherwise', async () => {
    const fresh = await reader.open();
    await fresh.page.locator('[data-section=take] .command').first().waitFor(); // all is in its place
    await fresh.page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await fresh.page.emulateMedia({ media: 'print' });
    const knob = fresh.page.locator('[data-section=knob] .status');
    expect(await knob.evaluate((one) => getComputedStyle(one, '::before').content)).toContain('Not drawn when this');
    await fresh.page.context().close();
  });

  it('fits a phone, and whatever is wider, without scrolling sideways', async () => {
    const phone = await reader.open('word=WWWWWW', { viewport: { width: 360, height: 740 } });
    const width = (): Promise<number> => phone.page.evaluate(() => document.documentElement.scrollWidth);
    await eventually(() => phone.page.locator('.topbar .bar-letter').count()).toBe(6);
    await eventually(width).toBe(360);
    await phone.page.locator('.topbar').scrollIntoViewIfNeeded();
    await phone.page.getByRole('button', { name: 'W', exact: true }).last().waitFor();
    expect(await width()).toBe(360);
    // The bar has more to show from 721 pixels on, and again from 941 on.
    for (const wide of [375, 431, 721, 768, 941]) {
      await phone.page.setViewportSize({ width: wide, height: 740 });
      expect(await width()).toBe(wide);
    }
    await phone.page.context().close();

    await page.setViewportSize({ width: 360, height: 740 });
    for (const details of await page.locator('details').all())
      await details.evaluate((found) => ((found as HTMLDetailsElement).open = true));
    for (const name of [
      'hero',
      'trio',
      'word',
      'noise',
      'attention',
      'brush',
      'direction',
      'why',
      'knob',
      'own',
      'tasting',
      'layers',
      'words',
      'train',
      'letters',
      'hood',
      'take',
    ]) {
      await show(name);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(360);
    }
  });

  it('follows the reader into the dark, pictures too', async () => {
    await show('word');
    await section('word').locator('.status[data-state=done]').waitFor({ timeout: 60_000 });
    const letter = page.locator('[data-section=word] [data-guidance=pag] canvas').first();
    const look = () => letter.evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const light = await look();
    await page.emulateMedia({ colorScheme: 'dark' });
    await eventually(look).not.toBe(light);
    await page.emulateMedia({ colorScheme: 'light' });
    await eventually(look).toBe(light);
  });

  it('stands still for those who prefer it', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const moving = await page
      .locator('*')
      .evaluateAll(
        (elements) =>
          elements.filter(
            (found) =>
              getComputedStyle(found).animationName !== 'none' ||
              !/^0s(, 0s)*$/.test(getComputedStyle(found).transitionDuration),
          ).length,
      );
    expect(moving).toBe(0);
  });

  it('draws what is typed, and leaves the URL alone for a link to a heading', async () => {
    await input('word').fill('o 1');
    await page.locator('.skip').focus();
    await page.keyboard.press('Enter');
    await show('word');
    await expectDigest('[data-section=word] [data-guidance=none]', drawn(model, request({ kind: 'none' }, 14)));
    await page.locator('button[name=noise]').click();
    await show('word');
    await expectDigest(
      '[data-section=word] [data-guidance=none]',
      drawn(model, { ...request({ kind: 'none' }, 14), seed: seed + 1 }),
    );
  });

  it.each([
    ['no SIMD', 'WebAssembly.validate = () => false;', 'no WebAssembly SIMD'],
    [
      'no memory',
      "WebAssembly.Memory = class { constructor() { throw new RangeError('could not allocate memory'); } };",
      'too little memory',
    ],
  ])('explains what is slow with %s', async (_what, sabotage, text) => {
    const broken = await reader.open('', {}, { 'worker.js': (code) => sabotage + code });
    await eventually(() => broken.page.locator('.engine').textContent()).toContain(text);
    await broken.page.context().close();
  });

  it('does not believe a case that was changed', async () => {
    const broken = await reader.open(
      '',
      {},
      { 'case.json': (text) => text.replace('"sample": "', '"sample": "0') },
      'ports.html',
    );
    // By what is in it: before it is mounted, what stands above it would still push it away.
    const said = broken.page.locator('[data-section=oracle] .status');
    await said.scrollIntoViewIfNeeded();
    await eventually(() => said.textContent()).toContain('is not what case.json promises');
    await broken.page.context().close();
  });

  it('does not draw with a model that was changed, and draws once the right one comes', async () => {
    const broken = await reader.open('', {}, { 'diffusion_pytorch_model.safetensors.packed': (text) => `${text} ` });
    const engine = broken.page.locator('.engine');
    await eventually(() => engine.textContent()).toMatch(
      /Nothing can be computed here: .*diffusion_pytorch_model.* is not the file that belongs to this page/,
    );
    // The figure says so, too.
    await eventually(() => broken.page.locator('[data-section=hero] .status').textContent()).toContain(
      'is not the file',
    );
    await broken.page.context().unrouteAll();
    await engine.getByRole('button', { name: 'try again' }).click();
    await eventually(() => engine.textContent()).toContain('WebAssembly SIMD');
    await broken.page.context().close();
  });

  it('lets a finger scroll over the pictures, and choose by a tap', async () => {
    const phone = await reader.open(`word=E&seed=${seed}&step=${step}`, {
      hasTouch: true,
      viewport: { width: 375, height: 700 },
    });
    const picture = phone.page.locator('[data-section=attention] .outlined[tabindex]');
    await picture.scrollIntoViewIfNeeded();
    expect(await picture.evaluate((found) => getComputedStyle(found).touchAction)).toBe('auto');
    const box = (await picture.boundingBox())!;
    const [x, y] = [box.x + box.width * (4.5 / 32), box.y + box.height * (6.5 / 32)];
    await phone.page.touchscreen.tap(x, y);
    await eventually(() => phone.page.url()).toContain('pixel=4,6');
    // What a term means, too.
    await phone.page.locator('.term[popovertarget=softmax-note]').tap();
    await eventually(() => phone.page.locator('#softmax-note').isVisible()).toBe(true);
    await phone.page.context().close();
  });

  it('lets a finger brush, and drag the point of the plane, while the page stays where it is', async () => {
    const options = { hasTouch: true, isMobile: true, viewport: { width: 375, height: 740 } };
    const phone = await reader.open(`word=E&seed=${seed}&step=${step}&plane=3,1`, options);
    const touch = await phone.page.context().newCDPSession(phone.page);
    const scrolled = () => phone.page.evaluate(() => scrollY);
    const centreOf = async (selector: string) => {
      const { x, y, width, height } = (await phone.page.locator(selector).boundingBox())!;
      return { x: x + width / 2, y: y + height / 2 };
    };
    /** Swipes up, which scrolls a page; gives by how much. */
    const swipe = async ({ x, y }: { x: number; y: number }, length: number): Promise<number> => {
      const before = await scrolled();
      const points = Array.from({ length: 9 }, (_, i) => ({ x, y: y - (i * length) / 8 }));
      for (const [i, point] of points.entries()) {
        const type = i === 0 ? 'touchStart' : 'touchMove';
        await touch.send('Input.dispatchTouchEvent', { type, touchPoints: [point] });
      }
      await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
      return (await scrolled()) - before;
    };
    const reach = async (selector: string) => {
      await phone.page.locator(`${selector}:not(.waiting)`).waitFor({ timeout: 60_000 });
      await phone.page.locator(selector).evaluate((found) => found.scrollIntoView({ block: 'center' }));
      return centreOf(selector);
    };
    const pad = await reach('[data-section=brush] .pad canvas');
    const { height } = (await phone.page.locator('[data-section=brush] .pad').boundingBox())!;
    expect(await swipe({ x: pad.x, y: pad.y + height * 0.4 }, height * 0.8)).toBe(0);
    await eventually(() => phone.page.locator('[data-section=brush] .veils [data-gone]').count()).toBeGreaterThan(4);
    await reach('[data-section=direction] .plane-view');
    await phone.page.locator('[data-section=direction] .grip[cx]').waitFor({ timeout: 60_000 });
    const grip = await centreOf('[data-section=direction] .grip');
    expect(await swipe(grip, 60)).toBe(0);
    await eventually(() => phone.page.url()).not.toContain('plane=3,1');
    // Beside them it scrolls.
    expect(await swipe({ x: 4, y: grip.y }, 120)).toBeGreaterThan(60);
    expect(phone.problems).toEqual([]);
    await phone.page.context().close();
  }, 120_000);

  it('says so when the model does not come', async () => {
    const broken = await reader.open('', {}, { 'diffusion_pytorch_model.safetensors.packed': undefined });
    await eventually(() => broken.page.locator('.engine').textContent()).toMatch(
      /Nothing can be computed here: .*diffusion_pytorch_model/,
    );
    await broken.page.context().close();
  });
});
