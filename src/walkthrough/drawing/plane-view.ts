/** The plane of guidance: predictions as points, CFG and PAG as arrows, and a point that the reader may drag. */
import { planeRange } from '../state.ts';
import type { GuidancePlane } from '../work/plane.ts';
import { setAttributes, svg } from './dom.ts';
import { followPointer, type PointerPlace } from './follow-pointer.ts';

/** A picture of the plane. */
export interface PlaneView {
  readonly root: SVGElement;
  /** Draws the plane with the point at s of PAG and g of CFG. */
  show(plane: GuidancePlane, s: number, g: number): void;
  /** Shows that there is no plane yet. */
  clear(): void;
}

const [width, height, margin] = [520, 348, 34];
type Point = readonly [number, number];

/** The scales s that are marked on the axis. */
const marked = [0, 1, 2, 4, 7, 10];

/** @param moved is told the s and g of the place where the point was dragged */
export function planeView(moved: (scales: readonly [number, number]) => void): PlaneView {
  const shapes = drawShapes();
  let shown: { readonly plane: GuidancePlane; readonly toPlane: (screen: Point) => Point } | undefined;
  const { root } = shapes;
  const follow = ({ clientX, clientY }: PointerPlace): void => {
    if (!shown) return;
    const box = root.getBoundingClientRect();
    const at = shown.toPlane([((clientX - box.left) / box.width) * width, ((clientY - box.top) / box.height) * height]);
    const [s, more] = shown.plane.scalesAt(at);
    moved([inRange(s, planeRange.s), inRange(more + 1, planeRange.g)]);
  };
  followPointer(root, follow, shapes.grip);
  return {
    root,
    clear: () => root.classList.add('waiting'),
    show(plane, s, g) {
      root.classList.remove('waiting');
      const { toScreen, toPlane } = scales(plane);
      shown = { plane, toPlane };
      place(shapes, (scale, more) => toScreen(plane.place(scale, more)), s, g);
    },
  };
}

type Shapes = ReturnType<typeof drawShapes>;

/** All that is drawn, without a place yet. What comes later lies above. */
function drawShapes() {
  const axis = line('axis');
  const marks = marked.map((s) => ({ s, tick: svg('line', { class: 'tick' }), text: label(String(s), 'tick') }));
  const trails = { spoilt: line('trail'), empty: line('trail') };
  const arrows = { sum: line('arrow sum'), cfg: line('arrow cfg', 'cfg'), pag: line('arrow pag', 'pag') };
  const dots = { plain: dot('plain'), spoilt: dot('spoilt'), empty: dot('cfg') };
  const texts = {
    plain: label('ε', 'plain'),
    spoilt: label('ε̂', 'spoilt'),
    empty: label('ε(∅)', 'cfg'),
    handle: label('ε̃', 'pag'),
  };
  const handle = svg('circle', { r: 9, class: 'handle' });
  // What a finger takes hold of.
  const grip = svg('circle', { r: 40, class: 'grip' });
  const root = svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: 'plane-view',
      role: 'img',
      'aria-label': 'The plane of guidance: the sliders below move the point.',
    },
    svg('defs', {}, arrowHead('pag'), arrowHead('cfg')),
    axis,
    ...marks.flatMap(({ tick, text }) => [tick, text]),
    ...Object.values(trails),
    ...Object.values(arrows),
    ...Object.values(dots),
    ...Object.values(texts),
    handle,
    grip,
  );
  return { grip, root, axis, marks, trails, arrows, dots, texts, handle };
}

function arrowHead(name: string): SVGElement {
  return svg(
    'marker',
    { id: `head-${name}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
    svg('path', { d: 'M0 0 8 4 0 8Z', class: `fill-${name}` }),
  );
}

function line(className: string, head?: string): SVGElement {
  return svg('line', { class: className, ...(head !== undefined && { 'marker-end': `url(#head-${head})` }) });
}

function dot(className: string): SVGElement {
  return svg('circle', { r: 5, class: className });
}

function label(text: string, className: string): SVGElement {
  return svg('text', { class: className }, text);
}

/**
 * Puts everything in its place.
 * @param at where s and g − 1 lead, on the screen
 */
function place(shapes: Shapes, at: (s: number, more: number) => Point, s: number, g: number): void {
  const { axis, marks, trails, arrows, dots, texts, handle, grip } = shapes;
  const [origin, spoilt, empty] = [at(0, 0), at(-1, 0), at(0, -1)];
  const [withCfg, goal] = [at(0, g - 1), at(s, g - 1)];
  connect(axis, spoilt, at(10, 0));
  connect(trails.spoilt, spoilt, origin);
  connect(trails.empty, empty, origin);
  connect(arrows.cfg, origin, withCfg);
  connect(arrows.pag, withCfg, goal);
  connect(arrows.sum, origin, goal);
  for (const { s: scale, tick, text } of marks) {
    const [x, y] = at(scale, 0);
    connect(tick, [x, y - 4], [x, y + 4]);
    // Beside the tick, for the line to ε(∅) may lead down from it.
    setAttributes(text, { x: x + 4, y: y + 16 });
  }
  centre(dots.plain, origin);
  centre(dots.spoilt, spoilt);
  centre(dots.empty, empty);
  centre(handle, goal);
  centre(grip, goal);
  write(texts.spoilt, spoilt, [6, -13]);
  write(texts.handle, goal, [6, -13]);
  // Below the axis, for above it are the arrows; and out of one another's way where ε(∅) is near.
  write(texts.plain, origin, [8, 38]);
  write(texts.empty, empty, [8, 18]);
}

function centre(circle: SVGElement, [cx, cy]: Point): void {
  setAttributes(circle, { cx, cy });
}

/** @param beside how far right of the place and below it */
function write(text: SVGElement, [x, y]: Point, [right, below]: Point): void {
  setAttributes(text, { x: x + right, y: y + below });
}

function connect(shape: SVGElement, [x1, y1]: Point, [x2, y2]: Point): void {
  // An arrow without length would still show its head.
  setAttributes(shape, { x1, y1, x2, y2, visibility: Math.hypot(x2 - x1, y2 - y1) < 2 ? 'hidden' : undefined });
}

/** To tenths, within what the sliders reach. */
function inRange(scale: number, [least, most]: readonly [number, number]): number {
  return Math.min(Math.max(Math.round(scale * 10) / 10, least), most);
}

/** One scale for both axes, so that angles and lengths are true; all that the sliders reach is in view. */
function scales(plane: GuidancePlane): { toScreen: (place: Point) => Point; toPlane: (screen: Point) => Point } {
  const corners = planeRange.s.flatMap((s) => planeRange.g.map((g) => plane.place(s, g - 1)));
  const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const zoom = Math.min((width - 2 * margin) / (right - left), (height - 2 * margin) / (top - bottom || 1));
  const [middleX, middleY] = [(left + right) / 2, (bottom + top) / 2];
  return {
    toScreen: ([x, y]) => [width / 2 + (x - middleX) * zoom, height / 2 - (y - middleY) * zoom],
    toPlane: ([x, y]) => [middleX + (x - width / 2) / zoom, middleY - (y - height / 2) / zoom],
  };
}
