/** The page: reads the state from the URL, mounts the sections, and draws what has changed, once a frame. */
import { parseUNetConfig } from '../models/unet2d/config.ts';
import { sitesOf } from '../models/stage.ts';
import { unetArchitecture } from '../models/unet2d/unet.ts';
import { createScheduler } from '../schedulers/registry.ts';
import { fillDetails } from './code/view.ts';
import { element } from './drawing/dom.ts';
import { createLab, type Lab } from './lab.ts';
import type { ModelPlan, Page } from './page.ts';
import { sections } from './sections/all.ts';
import { consistent, readState, writeState, type State } from './state.ts';
import { stepCount } from './study.ts';

interface Mounted {
  readonly name: string;
  readonly root: HTMLElement;
  readonly draw: () => void;
  near: boolean;
  stale: boolean;
}

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
  let scheduled = false;
  const invalidate = (): void => {
    for (const section of mounted) section.stale = true;
    schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      for (const section of mounted) if (section.near && section.stale) draw(section);
    });
  };
  const draw = (section: Mounted): void => {
    section.stale = false;
    lab.update(section.name, section.draw);
  };
  const mounted: Mounted[] = [];
  const lab: Lab = createLab(invalidate);
  lab.focus(sections[0].name);
  lab.open(state.kernels);

  const change = (part: Partial<State>): void => {
    const before = state;
    state = consistent({ ...state, ...part });
    if (state.kernels !== before.kernels) lab.open(state.kernels);
    remember();
    invalidate();
  };
  const remember = laterOnce(250, () => {
    const text = writeState(state);
    history.replaceState(null, '', text === '' ? location.pathname + location.search : `#${text}`);
  });
  addEventListener('hashchange', () => {
    const text = location.hash.slice(1);
    // A link to a heading is no state.
    if (text !== '' && !text.includes('=')) return;
    const next = readState(text);
    if (writeState(next) !== writeState(state)) change(next);
  });

  const page: Page = { lab, model: await loadPlan(), state: () => state, change };
  for (const { name, mount } of sections) {
    const root = document.querySelector<HTMLElement>(`[data-section="${name}"]`);
    if (!root) throw new Error(`the page has no place for the section "${name}"`);
    mounted.push({ name, root, draw: mount(root, page), near: false, stale: true });
  }
  fillDetails(document);
  watch(mounted, lab, schedule);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', invalidate);
}

/** Notices which sections are near the screen, and which one is being read. */
function watch(mounted: readonly Mounted[], lab: Lab, schedule: () => void): void {
  const find = (target: Element): Mounted => mounted.find(({ root }) => root === target)!;
  const nearness = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) find(target).near = isIntersecting;
      schedule();
    },
    { rootMargin: '300px 0px' },
  );
  const shares = new Map<Element, number>();
  const reading = new IntersectionObserver(
    (entries) => {
      for (const { target, intersectionRect } of entries) shares.set(target, intersectionRect.height);
      const [most] = [...shares].sort((a, b) => b[1] - a[1]);
      if (most && most[1] > 0) lab.focus(find(most[0]).name);
    },
    { threshold: [0, 0.25, 0.5, 0.75, 1] },
  );
  for (const { root } of mounted) {
    nearness.observe(root);
    reading.observe(root);
  }
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
    scheduler: createScheduler(schedule, stepCount),
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
