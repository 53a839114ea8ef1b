/** The page: reads the state from the URL, mounts the sections, and draws what has changed, once a frame. */
import { parseUNetConfig } from '../models/unet2d/config.ts';
import { sitesOf } from '../models/stage.ts';
import { unetArchitecture } from '../models/unet2d/unet.ts';
import { createSchedulerOf } from '../schedulers/create.ts';
import { DDIMScheduler } from '../schedulers/ddim.ts';
import { messageOf } from '../tensor/errors.ts';
import { fillDetails } from './code/view.ts';
import { element } from './drawing/dom.ts';
import { tryAgain } from './drawing/figure.ts';
import { withReproduction } from './drawing/reproduction.ts';
import { showAlone } from './drawing/single-figure.ts';
import { explainTerms } from './drawing/terms.ts';
import { createClient } from './client.ts';
import { lettersFiles } from './models.ts';
import type { ModelPlan, Page, Part } from './page.ts';
import { createPlaces, type Mounted } from './places.ts';
import { preparePrinting } from './printing.ts';
import { sections } from './sections/all.ts';
import { noNetwork } from './sections/parts.ts';
import { consistent, readState, writeState, type State } from './state.ts';
import { stepCount, usualStep } from './study.ts';

/** The configs of the letters model and its scheduler; the build has read them. */
declare const CONFIGS: Readonly<Record<'unet' | 'scheduler', Readonly<Record<string, unknown>>>>;

document.documentElement.dataset['started'] = '';
start().catch((problem: unknown) => {
  document.body.prepend(
    element('p', { class: 'problem', role: 'alert' }, `The page could not start: ${messageOf(problem)}`),
  );
});

async function start(): Promise<void> {
  let state = readState(location.hash.slice(1));
  const shown = sectionsHere();
  let read: Mounted['section'] | undefined = shown[0]?.section;
  const places = createPlaces({
    draw: (name, draw) => client.update(name, draw),
    read(section) {
      read = section;
      client.focus(section.name);
      places.invalidate();
    },
  });
  const { invalidate } = places;
  preparePrinting(places);
  const client = createClient(invalidate, lettersFiles);
  client.focus(read?.name ?? '');
  client.open(state.kernels);

  const remember = laterOnce(250, () => {
    const text = writeState(state);
    const shown = location.hash.slice(1);
    if (text === (shown.includes('=') ? shown : '')) return;
    history.pushState(null, '', text === '' ? location.pathname + location.search : `#${text}`);
  });
  const turnTo = (next: State): void => {
    const before = state;
    state = consistent(next);
    if (state.kernels !== before.kernels) client.open(state.kernels);
    invalidate();
  };
  const change = (part: Partial<State>): void => {
    turnTo({ ...state, ...part });
    remember();
  };
  addEventListener(tryAgain, () => client.open(state.kernels));
  followAddress(turnTo);

  await nextTask();
  const model = planOf(CONFIGS.unet, CONFIGS.scheduler);
  const part = (): Part => (read?.partOf ?? noNetwork)(state, model);
  const common = { client, model, state: () => state, part, change };
  for (const { section, root } of shown) {
    // A task for each: what comes first can be seen, and asked for, before the others are there.
    await nextTask();
    await layOutText(root);
    // The bar, which opens nowhere, shows the step of what is being read.
    const step = (): number => state.step ?? section.opensAt ?? read?.opensAt ?? usualStep;
    const page: Page = { ...common, step };
    const draw = section.mount(root, page);
    const { reproduce } = section;
    places.add({ section, root, draw: reproduce ? withReproduction(root, page, reproduce, draw) : draw, near: false });
  }
  await nextTask();
  fillDetails(document);
  explainTerms(document);
  // What stands above it has grown since the browser went there.
  if (!location.hash.includes('=')) goTo(location.hash.slice(1));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', invalidate);
}

/** Goes where a link leads, or going back. */
function followAddress(turnTo: (next: State) => void): void {
  addEventListener('hashchange', () => {
    const text = location.hash.slice(1);
    // A link to a heading, or whatever somebody wrote there, is no state.
    if (text !== '' && !text.includes('=')) goTo(text);
    // What a link says, or going back, is no step of its own: it is not remembered once more.
    else turnTo(readState(text));
  });
}

/** Goes to what an address names behind its #: a heading by its id, or a figure by its name. What hides it opens. */
function goTo(name: string): void {
  const place = document.getElementById(name) ?? document.querySelector(`[data-section="${CSS.escape(name)}"]`);
  const fold = place?.closest('details');
  if (fold) fold.open = true;
  place?.scrollIntoView();
}

/**
 * The sections that have a place in this page, and their places; of a page that is asked for a single figure
 * (`?figure=NAME`) that one, and what else is then left.
 * @throws Error where there is no such figure
 */
function sectionsHere() {
  const here = sections.flatMap((section) => {
    const root = document.querySelector<HTMLElement>(`[data-section="${section.name}"]`);
    return root ? [{ section, root }] : [];
  });
  const figure = new URLSearchParams(location.search).get('figure');
  if (figure === null) return here;
  const found = here.find(({ section }) => section.name === figure);
  if (!found) {
    const names = here.map(({ section }) => section.name).join(', ');
    throw new Error(`it has no figure "${figure}"; there are ${names}`);
  }
  showAlone(found.root);
  return here.filter(({ root }) => root.isConnected);
}

function planOf(unet: Readonly<Record<string, unknown>>, schedule: Readonly<Record<string, unknown>>): ModelPlan {
  const architecture = unetArchitecture(parseUNetConfig(unet));
  return {
    ...architecture,
    layers: sitesOf(architecture.stages),
    scheduler: createSchedulerOf(DDIMScheduler, schedule, stepCount),
  };
}

/** Lets a section be laid out, in a frame before the one that its figure takes: both at once take long. */
async function layOutText(figure: HTMLElement): Promise<void> {
  const section = figure.closest('section:not([data-laid-out])');
  if (!section) return;
  section.setAttribute('data-laid-out', '');
  await new Promise(requestAnimationFrame);
}

/** Ends the task at hand, so that the reader's hand and the screen go first. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Calls `action` so many milliseconds after the last of several calls. */
function laterOnce(milliseconds: number, action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
