import { readdir, readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { guidances } from '../../src/guidance/registry/index.ts';
import { middleOf } from '../../src/walkthrough/requests.ts';
import { smallSide, stepCount, unasked } from '../../src/walkthrough/study.ts';
import { sections } from '../../src/walkthrough/sections/all.ts';
import { attentionLayerCount, initialState } from '../../src/walkthrough/state.ts';
import { pointsLesson } from '../../src/walkthrough/training/points.ts';
import { shapes } from '../../src/walkthrough/training/shapes.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { plainName } from '../../src/walkthrough/work/layers.ts';
import type { SiteFigures } from '../../scripts/walkthrough/sites.ts';
import { lettersModel } from './library.ts';
import { learnedFaces, learnedLetters } from '../../scripts/walkthrough/letters.ts';
import type { Weights } from '../../src/models/model.ts';
import { pack } from '../../scripts/walkthrough/pack.ts';
import { lettersLesson } from '../../src/walkthrough/training/letters.ts';
import { lettersOf } from '../../src/walkthrough/training/letters-file.ts';
import { figures as lettersFigures } from './training/letters-figures.ts';
import { figures } from './training/points-figures.ts';

const repository = fileURLToPath(new URL('../../', import.meta.url));
let model: Model;
let html: string;
let css: string;
beforeAll(async () => {
  model = await lettersModel();
  html = await readFile(`${repository}src/walkthrough/index.html`, 'utf8');
  css = await readFile(`${repository}src/walkthrough/style.css`, 'utf8');
}, 60_000);

describe('the text', () => {
  it('says only numbers that are so', async () => {
    const { unet, scheduler } = model;
    const measured = await evaluation();
    const recipe = await readFile(`${repository}scripts/train/README.md`, 'utf8');
    const facts: Readonly<Record<string, string>> = {
      parameters: sizeText(unet.weights),
      faces: /letters of ([\d,]+) faces/.exec(recipe)![1],
      'first-timestep': String(scheduler.timesteps[0]),
      steps: String(stepCount),
      'attention-layers': String(unet.attentionLayers.length),
      pictures: measured('free none').pictures.toLocaleString('en'),
      'free-alone': measured(`free none, ${stepCount} steps`).whole('frechetDistance'),
      'free-pag': measured(`free pag 1, ${stepCount} steps`).whole('frechetDistance'),
      ...(await factsOfWords()),
      ...(await factsOfSites(unet.attentionLayers, measured)),
      ...factsOfPoints(),
      ...factsOfScales(measured),
      ...(await factsOfTools()),
      ...factsOfLetters(),
    };
    const said = [...html.matchAll(/data-fact="([\w-]+)">([^<]*)</g)].map(([, name, text]) => ({ name, text }));
    // Wherever it is said, for some are said twice.
    expect(said).toEqual(said.map(({ name }) => ({ name, text: facts[name] })));
    expect([...new Set(said.map(({ name }) => name))].sort()).toEqual(Object.keys(facts).sort());
    // A number in the prose that is no fact would escape this test.
    const prose = html
      .replace(/<head>.*<\/head>|<footer>.*<\/footer>|<pre.*?<\/pre>/gs, '')
      .replace(/<span (?:data-fact|class="count")[^>]*>[^<]*<\/span>/g, '')
      .replace(/<[^>]*>/g, '');
    expect(prose.match(/\d+/g)).toEqual(['0']); // "towards 0"
    const ports = await readFile(`${repository}src/walkthrough/ports.html`, 'utf8');
    expect(ports.replace(/<head>.*<\/head>|<[^>]*>/gs, '').match(/\d+/g)).toBeNull();
    expect(attentionLayerCount).toBe(unet.attentionLayers.length);
  });

  it('has a place for every section, in one of the pages', async () => {
    const ports = await readFile(`${repository}src/walkthrough/ports.html`, 'utf8');
    const places = [...`${html}${ports}`.matchAll(/data-section="([\w-]+)"/g)].map(([, name]) => name);
    expect([...new Set(places)].sort()).toEqual(sections.map(({ name }) => name).sort());
  });

  it('asks for a guess before every figure', async () => {
    const ports = await readFile(`${repository}src/walkthrough/ports.html`, 'utf8');
    // The figure of the layers asks by itself.
    const asks = /(?:Guess first:|First guess|data-section="layers")/;
    const parts = `${html}${ports}`.split(/<header>|<section /).filter((part) => part.includes('class="stage"'));
    expect(parts.length).toBeGreaterThan(15);
    for (const part of parts) expect(part).toMatch(asks);
  });

  it('names attention layers plainly, and by their paths on hover', () => {
    const rows = [...html.matchAll(/title="([^"]+)"><span data-fact="site-\d-name">([^<]+)</g)];
    const { attentionLayers } = model.unet;
    expect(rows.map(([, path]) => path)).toEqual(attentionLayers);
    expect(rows.map(([, , name]) => name)).toEqual(attentionLayers.map((path) => plainName(attentionLayers, path)));
  });

  it('has a note for each term that it explains', () => {
    const terms = [...html.matchAll(/class="term" popovertarget="([\w-]+)"/g)].map(([, note]) => note);
    const notes = [...html.matchAll(/class="note" id="([\w-]+)" popover/g)].map(([, note]) => note);
    expect(terms).toEqual(expect.arrayContaining(['head-note', 'softmax-note']));
    expect([...new Set(terms)].sort()).toEqual([...notes].sort());
  });

  it('has a key to its colours, each of which is another', () => {
    const [key] = /<p class="aside key">.*?<\/p>/s.exec(html)!;
    const named = [...key.matchAll(/<span class="([\w-]+)">/g)].map(([, name]) => name);
    expect(named).toEqual(['spoilt', 'pag', 'cfg', 'above', 'below']);
    for (const colours of ['light', 'dark'].map((scheme) => coloursOf(css, scheme)))
      expect(new Set(['text', ...named].map((name) => String(colours.get(name)))).size).toBe(named.length + 1);
  });

  it.each(['light', 'dark'])('can be read: WCAG contrast of at least 4.5 in %s', (scheme) => {
    const colours = coloursOf(css, scheme);
    for (const text of ['text', 'quiet', 'pag', 'cfg', 'spoilt', 'plain', 'good']) {
      for (const ground of ['page', 'raised'])
        expect(contrast(colours.get(text)!, colours.get(ground)!), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(colours.get('picture-ink')!, colours.get('picture-paper')!)).toBeGreaterThan(12);
  });
});

/** The figures of a point of `fixtures/evaluation`, as the page rounds them. */
async function evaluation() {
  const text = await readFile(`${repository}fixtures/evaluation/results.json`, 'utf8');
  const { points, steps } = JSON.parse(text) as {
    steps: number;
    points: { name: string; pictures: number; figures: Record<string, { value: number }> }[];
  };
  // "In half the steps", says the page of all points that do not name theirs.
  expect(steps).toBe(stepCount / 2);
  return (name: string) => {
    const { pictures, figures } = points.find((point) => point.name === name)!;
    return {
      pictures,
      whole: (figure: string) => String(Math.round(figures[figure].value)),
      percent: (figure: string) => String(Math.round(figures[figure].value * 100)),
    };
  };
}

/** What the page says of scales, with nothing asked for and with a letter: the points of the evaluation. */
function factsOfScales(measured: Awaited<ReturnType<typeof evaluation>>): Readonly<Record<string, string>> {
  const free = { none: 'none', half: 'pag 0.5', one: 'pag 1', two: 'pag 2', four: 'pag 4' };
  const asked = { none: 'none', one: 'pag 1', two: 'pag 2', cfg: 'cfg 2', both: 'cfg+pag 2 1' };
  const scales = { half: '0.5', one: '1', two: '2', four: '4', cfg: '2', 'both-g': '2', both: '1' };
  return Object.fromEntries([
    ...Object.entries(scales).map(([key, scale]) => [`which-${key}-s`, scale]),
    ...Object.entries(free).flatMap(([key, name]) => [
      [`which-${key}-free`, measured(`free ${name}`).whole('frechetDistance')],
      [`which-${key}-free-read`, measured(`free ${name}`).percent('confidence')],
    ]),
    ...Object.entries(asked).flatMap(([key, name]) => [
      [`which-${key}-asked`, measured(`asked ${name}`).whole('frechetDistance')],
      [`which-${key}-asked-read`, measured(`asked ${name}`).percent('asAsked')],
    ]),
  ]);
}

/** What the page says of Stable Diffusion: where its tools begin, and what the paper measures. */
async function factsOfTools(): Promise<Readonly<Record<string, string>>> {
  const usual = guidances['pag'].parameters.find(({ name }) => name === 'pagScale')!.default;
  expect(html).toContain(`pag_scale=${Number(usual).toFixed(1)})`);
  const papers = await readFile(`${repository}fixtures/evaluation/README.md`, 'utf8');
  const [, model, alone, both] = /SD ([\d.]+) on COCO: ([\d.]+) → ([\d.]+)/.exec(papers)!;
  return { 'usual-s': String(usual), 'paper-model': model, 'paper-cfg': alone, 'paper-both': both };
}

/** What the page says of the layers one by one: `scripts/walkthrough/sites.ts`, and the distances of the evaluation. */
async function factsOfSites(layers: readonly string[], measured: Awaited<ReturnType<typeof evaluation>>) {
  const text = await readFile(`${repository}fixtures/evaluation/sites.json`, 'utf8');
  const { pictures, figures } = JSON.parse(text) as { pictures: number; figures: Record<string, SiteFigures[]> };
  const [step, lateStep] = ['2', '10'];
  const [early, late] = [figures[step], figures[lateStep].map(({ shapes }) => Math.round(shapes))];
  expect(early.map(({ layer }) => layer)).toEqual(layers);
  const rows = early.map(({ layer, moved, shapes, detail }) => ({
    name: plainName(layers, layer),
    moved: moved.toFixed(2),
    shapes: String(Math.round(shapes)),
    detail: String(Math.round(detail)),
    distance: measured(middleOf([layer]).length > 0 ? 'free pag 1' : `free layer ${layer}`).whole('frechetDistance'),
  }));
  return Object.fromEntries([
    ...rows.flatMap((row, i) => Object.entries(row).map(([key, value]) => [`site-${i}-${key}`, value] as const)),
    ['sites-pictures', String(pictures)],
    ['sites-step', step],
    ['sites-late-step', lateStep],
    ['sites-late-least', String(Math.min(...late))],
    ['sites-late-most', String(Math.max(...late))],
  ]) as Readonly<Record<string, string>>;
}

/** What the page says of the text model: its size, and the figures that were measured when it was trained. */
async function factsOfWords(): Promise<Readonly<Record<string, string>>> {
  const folder = `${repository}fixtures/letters-text/`;
  const files = (await readdir(`${folder}model`, { recursive: true, withFileTypes: true })).filter((it) => it.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(`${parentPath}/${name}`)).size),
  );
  const { points } = JSON.parse(await readFile(`${folder}figures.json`, 'utf8')) as {
    points: {
      prompts: string;
      guidance: number;
      pag: number;
      pictures: number;
      read_as_asked: number[];
      frechet_distance: number[];
    }[];
  };
  const point = (guidance: number, pag: number) =>
    points.find((it) => it.prompts === '' && it.guidance === guidance && it.pag === pag)!;
  const far = (guidance: number, pag: number): string => String(Math.round(point(guidance, pag).frechet_distance[0]));
  const right = (guidance: number, pag: number): string => (point(guidance, pag).read_as_asked[0] * 100).toFixed(1);
  return {
    'words-megabytes': (sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1),
    'words-g': String(initialState.promptScales[0]),
    'words-pictures': point(3, 0).pictures.toLocaleString('en'),
    'words-right-cfg': right(initialState.promptScales[0], 0),
    'words-right-alone': right(1, 0),
    'words-right-pag': right(1, 1),
    'words-right-both': right(3, 1),
    'words-far-cfg': far(3, 0),
    'words-far-both': far(3, 1),
  };
}

/** How many numbers there are in all weights. */
function sizeText(weights: Weights): string {
  return [...weights.values()].reduce((sum, { data }) => sum + data.length, 0).toLocaleString('en');
}

/** What the page says of the model of points; `training/points.slow.test.ts` measures the figures. */
function factsOfPoints(): Readonly<Record<string, string>> {
  const { learner, batches } = pointsLesson(shapes.spiral, initialState.seed);
  const { weights, attentionLayers } = learner.model;
  const [early, late, next] = [
    figures['seed 0, 400 steps'],
    figures['seed 0, 1200 steps'],
    figures['seed 1, 400 steps'],
  ];
  return {
    'points-parameters': sizeText(weights),
    'points-batch': String(batches.size),
    'points-steps': learner.config.steps.toLocaleString('en'),
    'points-layers': String(attentionLayers.length),
    'points-scale': String(initialState.lessonScale),
    'points-seed': String(initialState.seed),
    'points-early': '400',
    'points-fresh': figures.fresh,
    'points-early-alone': early[0],
    'points-early-pag': early[1],
    'points-late-alone': late[0],
    'points-late-pag': late[1],
    'points-next-alone': next[0],
    'points-next-pag': next[1],
    'points-seconds': figures.seconds,
  };
}

/** What the page says of the model of letters; `training/letters.slow.test.ts` measures the figures. */
function factsOfLetters(): Readonly<Record<string, string>> {
  const { learner, batches, layers, every, pictures } = lettersLesson(lettersOf(learnedLetters()), initialState.seed);
  const families = new Set(learnedFaces().map(familyOf));
  const [early, late, next] = [
    lettersFigures['seed 0, 200 steps'],
    lettersFigures['seed 0, 1000 steps'],
    lettersFigures['seed 1, 1000 steps'],
  ];
  return {
    'letters-parameters': sizeText(learner.model.weights),
    'letters-side': String(smallSide),
    'letters-batch': String(batches.size),
    'letters-steps': learner.config.steps.toLocaleString('en'),
    'letters-every': String(every),
    'letters-layers': String(layers.length),
    'letters-faces': String(learnedFaces().length),
    'letters-families': String(families.size),
    'letters-names': [...families].sort().join(', '),
    'letters-kilobytes': (pack(learnedLetters()).length / 1000).toFixed(0),
    'letters-reader': lettersFigures.reader,
    'letters-unasked': String(unasked),
    'letters-seed': String(initialState.seed),
    'letters-scale': String(initialState.lettersScale),
    'letters-rounds': String(Math.round((learner.config.steps * batches.size) / (pictures.labels?.length ?? 0))),
    'letters-early': '200',
    'letters-early-alone': early[0],
    'letters-early-pag': early[1],
    'letters-late-alone': late[0],
    'letters-late-pag': late[1],
    'letters-next-alone': next[0],
    'letters-next-pag': next[1],
    'letters-ink-learned': lettersFigures.ink[0],
    'letters-ink-alone': lettersFigures.ink[1],
    'letters-ink-pag': lettersFigures.ink[2],
    'letters-early-seconds': lettersFigures.seconds[0],
    'letters-seconds': lettersFigures.seconds[1],
  };
}

/** `Open Sans` for OpenSans-Bold.ttf. */
function familyOf(file: string): string {
  return file
    .replace(/(?:Bold)?[-.].*$/, '')
    .replace(/ADF(?:No2|Std)?$/, '')
    .replace(/(?<=[a-z])(?<!Free)(?=Sans$)/, ' ');
}

/** The colours of the style sheet by their names: red, green and blue. */
function coloursOf(css: string, scheme: string): ReadonlyMap<string, readonly number[]> {
  const [light, dark] = css.split('@media (prefers-color-scheme: dark)');
  const defined = scheme === 'dark' ? light + dark.split('}')[0] : light;
  return new Map(
    [...defined.matchAll(/--([\w-]+): (\d+) (\d+) (\d+);/g)].map(([, name, ...rgb]) => [name, rgb.map(Number)]),
  );
}

/** (L₁ + 0.05)/(L₂ + 0.05) of WCAG 2.2. */
function contrast(a: readonly number[], b: readonly number[]): number {
  const luminance = (rgb: readonly number[]): number => {
    const [red, green, blue] = rgb
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}
