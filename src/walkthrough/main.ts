/** The page: reads the state from the URL, mounts the sections, and draws what has changed, once a frame. */
import { parseUNetConfig } from '../models/unet2d/config.ts';
import { sitesOf } from '../models/stage.ts';
import { unetArchitecture } from '../models/unet2d/unet.ts';
import { createSchedulerOf } from '../schedulers/create.ts';
import { DDIMScheduler } from '../schedulers/ddim.ts';
import { fillDetails } from './code/view.ts';
import { element } from './drawing/dom.ts';
import { tryAgain } from './drawing/figure.ts';
import { showAlone } from './drawing/single-figure.ts';
import { createClient } from './client.ts';
import type { ModelPlan, Page } from './page.ts';
import { sections } from './sections/all.ts';
import { consistent, readState, writeState, type State } from './state.ts';
import { stepCount } from './study.ts';

/** A section in its place. */
interface Mounted {
  readonly name: string;
  readonly root: HTMLElement;
  readonly draw: () => void;
  /** Whether it is near the screen. */
  near: boolean;
}

/** Within a frame so many milliseconds are drawn, then the reader's hand goes first. */
const patience = 8;

document.documentElement.dataset['started'] = '';
start().catch((problem: unknown) => {
  document.body.prepend(
    element(
      'p',
      { class: 'problem', role: 'alert' },
      `The page could not start: ${problem instanceof Error ? problem.message : String(problem)}`,
    ),
  );
});

async function start(): Promise<void> {
  let state = readState(location.hash.slice(1));
  const mounted: Mounted[] = [];
  /** What has changed since it was drawn; what has waited longest comes first. */
  const stale = new Set<Mounted>();
  const draw = onceAFrame(() => {
    const started = performance.now();
    for (const section of [...stale].filter(({ near }) => near)) {
      if (performance.now() - started > patience) return draw();
      stale.delete(section);
      client.update(section.name, section.draw);
    }
  });
  const invalidate = (): void => {
    for (const section of mounted) stale.add(section);
    draw();
  };
  const client = createClient(invalidate);
  const shown = sectionsHere();
  client.focus(shown[0]?.section.name ?? '');
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
  addEventListener('hashchange', () => {
    const text = location.hash.slice(1);
    // A link to a heading, or whatever somebody wrote there, is no state.
    if (text !== '' && !text.includes('=')) return;
    // What a link says, or going back, is no step of its own: it is not remembered once more.
    turnTo(readState(text));
  });

  const page: Page = { client, model: await loadPlan(), state: () => state, change };
  mounted.push(
    ...shown.map(({ section: { name, mount }, root }) => ({
      ...{ name, root, draw: mount(root, page), near: false },
    })),
  );
  invalidate();
  fillDetails(document);
  watchNearness(mounted, draw);
  // On paper all of it is near.
  addEventListener('beforeprint', () => {
    for (const section of mounted) client.update(section.name, section.draw);
  });
  watchReading(mounted, ({ name }) => client.focus(name));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', invalidate);
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

/** Notices which sections are near the screen. */
function watchNearness(mounted: readonly Mounted[], changed: () => void): void {
  const sectionOf = new Map<Element, Mounted>(mounted.map((section) => [section.root, section]));
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const section = sectionOf.get(target);
        if (section) section.near = isIntersecting;
      }
      changed();
    },
    { rootMargin: '300px 0px' },
  );
  for (const { root } of mounted) observer.observe(root);
}

/** Notices which section is being read: the one that takes most of the screen. */
function watchReading(mounted: readonly Mounted[], read: (section: Mounted) => void): void {
  const sectionOf = new Map<Element, Mounted>(mounted.map((section) => [section.root, section]));
  const heights = new Map<Mounted, number>();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRect } of entries) {
        const section = sectionOf.get(target);
        if (section) heights.set(section, intersectionRect.height);
      }
      const [most] = [...heights].filter(([, height]) => height > 0).sort(([, a], [, b]) => b - a);
      if (most) read(most[0]);
    },
    { threshold: [0, 0.25, 0.5, 0.75, 1] },
  );
  for (const { root } of mounted) observer.observe(root);
}

async function loadPlan(): Promise<ModelPlan> {
  const readJson = async (path: string): Promise<Record<string, unknown>> => {
    const response = await fetch(new URL(`model/${path}`, document.baseURI));
    if (!response.ok) throw new Error(`the server answers ${response.status} for model/${path}`);
    return (await response.json()) as Record<string, unknown>;
  };
  const [unet, schedule] = await Promise.all([
    readJson('unet/config.json'),
    readJson('scheduler/scheduler_config.json'),
  ]);
  const architecture = unetArchitecture(parseUNetConfig(unet));
  return {
    ...architecture,
    layers: sitesOf(architecture.stages),
    scheduler: createSchedulerOf(DDIMScheduler, schedule, stepCount),
  };
}

/** Calls `action` with the next frame, once for all calls before it. */
function onceAFrame(action: () => void): () => void {
  let scheduled = false;
  return () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      action();
    });
  };
}

/** Calls `action` so many milliseconds after the last of several calls. */
function laterOnce(milliseconds: number, action: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
