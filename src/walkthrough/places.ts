/** The sections in their places: near the screen they are drawn, once a frame, when something has changed. */
import { onceAFrame } from './frames.ts';
import type { sections } from './sections/all.ts';

/** A section in its place. */
export interface Mounted {
  readonly section: (typeof sections)[number];
  readonly root: HTMLElement;
  readonly draw: () => void;
  /** Whether it is near the screen. */
  near: boolean;
}

/** Within a frame so many milliseconds are drawn, then the reader's hand goes first. */
const patience = 4;

/** All sections of a page. */
export interface Places {
  /** One more, to be drawn. */
  add(one: Mounted): void;
  /** Something has changed: all are to be drawn anew. */
  invalidate(): void;
  /** Draws all at once, wherever they are. */
  drawAll(): void;
  /** Takes all of them to be near the screen, until what it gives back is called. */
  holdNear(): () => void;
}

/** What places are told with. */
export interface PlacesOptions {
  /** Draws a section. */
  draw(name: string, draw: () => void): void;
  /** Is told which section is being read, when it is another one. */
  read(section: Mounted['section']): void;
}

/** Places without sections yet. */
export function createPlaces({ draw: drawOne, read }: PlacesOptions): Places {
  const mounted: Mounted[] = [];
  /** What has changed since it was drawn; what has waited longest comes first. */
  const stale = new Set<Mounted>();
  let held = false;
  const draw = onceAFrame(() => {
    const started = performance.now();
    for (const one of [...stale].filter(({ near }) => held || near)) {
      if (performance.now() - started > patience) return draw();
      stale.delete(one);
      drawOne(one.section.name, one.draw);
    }
  });
  const nearness = watchNearness(draw);
  const reading = watchReading(read);
  return {
    add(one) {
      mounted.push(one);
      stale.add(one);
      nearness(one);
      reading(one);
    },
    invalidate() {
      for (const one of mounted) stale.add(one);
      draw();
    },
    drawAll() {
      for (const one of mounted) drawOne(one.section.name, one.draw);
    },
    holdNear() {
      held = true;
      draw();
      return () => {
        held = false;
      };
    },
  };
}

/** Watches sections, whether they are near the screen. */
function watchNearness(changed: () => void): (one: Mounted) => void {
  const seen = (one: Mounted, { isIntersecting }: IntersectionObserverEntry): void => {
    one.near = isIntersecting;
  };
  return watch({ rootMargin: '300px 0px' }, seen, changed);
}

/** Watches sections, which is being read: the one that takes most of the screen. */
function watchReading(read: PlacesOptions['read']): (one: Mounted) => void {
  const heights = new Map<Mounted, number>();
  let latest: Mounted | undefined;
  const seen = (one: Mounted, { intersectionRect }: IntersectionObserverEntry): void => {
    heights.set(one, intersectionRect.height);
  };
  return watch({ threshold: [0, 0.25, 0.5, 0.75, 1] }, seen, () => {
    const [most] = [...heights].filter(([, height]) => height > 0).sort(([, a], [, b]) => b - a);
    if (!most || most[0] === latest) return;
    latest = most[0];
    read(latest.section);
  });
}

/**
 * Watches where sections are on the screen.
 * @param seen is told of each that has moved
 * @param changed is called when all of those have been told
 */
function watch(
  options: IntersectionObserverInit,
  seen: (one: Mounted, entry: IntersectionObserverEntry) => void,
  changed: () => void,
): (one: Mounted) => void {
  const mounted = new Map<Element, Mounted>();
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const one = mounted.get(entry.target);
      if (one) seen(one, entry);
    }
    changed();
  }, options);
  return (one) => {
    mounted.set(one.root, one);
    observer.observe(one.root);
  };
}
