/** The plane of guidance: predictions as points, CFG and PAG as arrows, and a point that the reader may drag. */
import { planeRange } from '../state.ts';
import type { GuidancePlane } from '../work/plane.ts';
import { setAttributes, svg } from './dom.ts';

export interface PlaneView {
  readonly root: SVGElement;
  show(plane: GuidancePlane, s: number, g: number): void;
  clear(): void;
}

const [width, height, margin] = [520, 340, 26];
type Point = readonly [number, number];

/** @param moved is told the s and g of the place where the point was dragged */
export function planeView(moved: (scales: readonly [number, number]) => void): PlaneView {
  const arrowHead = (name: string) =>
    svg(
      'marker',
      { id: `head-${name}`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
      svg('path', { d: 'M0 0 8 4 0 8Z', class: `fill-${name}` }),
    );
  const line = (className: string, head?: string) =>
    svg('line', { class: className, ...(head !== undefined && { 'marker-end': `url(#head-${head})` }) });
  const axis = line('axis');
  const [spoiltLine, emptyLine] = [line('trail'), line('trail')];
  const [pagArrow, cfgArrow, sumArrow] = [line('arrow pag', 'pag'), line('arrow cfg', 'cfg'), line('arrow sum')];
  const dot = (className: string) => svg('circle', { r: 5, class: className });
  const label = (text: string, className: string) => svg('text', { class: className }, text);
  const [plainDot, spoiltDot, emptyDot] = [dot('plain'), dot('spoilt'), dot('cfg')];
  const [plainText, spoiltText, emptyText, handleText] = [
    label('ε', 'plain'),
    label('ε̂', 'spoilt'),
    label('ε(∅)', 'cfg'),
    label('ε̃', 'pag'),
  ];
  const handle = svg('circle', { r: 9, class: 'handle' });
  const marks = [0, 1, 2, 4, 7, 10].map((s) => ({
    s,
    tick: svg('line', { class: 'tick' }),
    text: label(String(s), 'tick'),
  }));
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
    spoiltLine,
    emptyLine,
    sumArrow,
    cfgArrow,
    pagArrow,
    plainDot,
    spoiltDot,
    emptyDot,
    plainText,
    spoiltText,
    emptyText,
    handleText,
    handle,
  );

  let shown:
    | {
        readonly plane: GuidancePlane;
        readonly toScreen: (place: Point) => Point;
        readonly toPlane: (screen: Point) => Point;
      }
    | undefined;
  const follow = (event: PointerEvent): void => {
    if (!shown) return;
    const box = root.getBoundingClientRect();
    const at = shown.toPlane([
      ((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height,
    ]);
    const [s, more] = shown.plane.scalesAt(at);
    moved([inRange(s, planeRange.s), inRange(more + 1, planeRange.g)]);
  };
  root.addEventListener('pointerdown', (event) => {
    root.setPointerCapture(event.pointerId);
    follow(event);
  });
  root.addEventListener('pointermove', (event) => {
    if (root.hasPointerCapture(event.pointerId)) follow(event);
  });

  return {
    root,
    clear: () => root.classList.add('waiting'),
    show(plane, s, g) {
      root.classList.remove('waiting');
      const { toScreen, toPlane } = scales(plane);
      shown = { plane, toScreen, toPlane };
      const [origin, spoilt, empty, withCfg, goal] = [
        plane.place(0, 0),
        plane.place(-1, 0),
        plane.place(0, -1),
        plane.place(0, g - 1),
        plane.place(s, g - 1),
      ].map(toScreen);
      connect(axis, toScreen(plane.place(-1, 0)), toScreen(plane.place(10, 0)));
      connect(spoiltLine, spoilt, origin);
      connect(emptyLine, empty, origin);
      connect(cfgArrow, origin, withCfg);
      connect(pagArrow, withCfg, goal);
      connect(sumArrow, origin, goal);
      for (const { s: at, tick, text } of marks) {
        const [x, y] = toScreen(plane.place(at, 0));
        connect(tick, [x, y - 4], [x, y + 4]);
        setAttributes(text, { x, y: y + 18, 'text-anchor': 'middle' });
      }
      for (const [circle, [cx, cy]] of [
        [plainDot, origin],
        [spoiltDot, spoilt],
        [emptyDot, empty],
        [handle, goal],
      ] as const)
        setAttributes(circle, { cx, cy });
      for (const [text, [x, y]] of [
        [spoiltText, spoilt],
        [handleText, goal],
      ] as const)
        setAttributes(text, { x: x + 6, y: y - 13 });
      // Below the axis, for above it are the arrows; and out of one another's way where ε(∅) is near.
      setAttributes(plainText, { x: origin[0] + 8, y: origin[1] + 38 });
      setAttributes(emptyText, { x: empty[0] + 8, y: empty[1] + 18 });
    },
  };
}

/** To tenths, within what the sliders reach. */
function inRange(scale: number, [least, most]: readonly [number, number]): number {
  return Math.min(Math.max(Math.round(scale * 10) / 10, least), most);
}

function connect(line: SVGElement, [x1, y1]: Point, [x2, y2]: Point): void {
  // An arrow without length would still show its head.
  setAttributes(line, { x1, y1, x2, y2, visibility: Math.hypot(x2 - x1, y2 - y1) < 2 ? 'hidden' : undefined });
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
