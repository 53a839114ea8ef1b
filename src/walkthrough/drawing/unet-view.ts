/**
 * The UNet as its config describes it: stages from left to right, full resolution on top, attention layers to click on.
 */
import { present } from '../checked.ts';
import type { ModelPlan } from '../page.ts';
import { skipConnections } from '../work/cost.ts';
import { gridOf, levelOf, plainName } from '../work/layers.ts';
import { setAttributes, svg } from './dom.ts';

/** A picture of the UNet. */
export interface UNetView {
  readonly root: SVGElement;
  /** @param chosen the paths of the stages that are marked */
  show(chosen: readonly string[]): void;
}

/** What can be done with the picture. */
export interface UNetViewOptions {
  /** What it is, for those who do not see it; without that it is for the eye only. */
  readonly label?: string;
  /** Is told the path of an attention layer that is clicked on. */
  readonly clicked?: (path: string) => void;
  /** Whether attention layers are reached by keyboard, too: where no list beside the picture offers the same. */
  readonly byKey?: boolean;
}

const [width, levelHeight, top] = [760, 62, 74];
/** An attention layer has as much room as so many other stages: a finger must hit it. */
const roomOfAttention = 4;

/** A stage and its place: the middle of its box. */
interface Placed {
  readonly path: string;
  readonly kind: ModelPlan['stages'][number]['kind'];
  readonly level: number;
  readonly x: number;
  readonly y: number;
  /** How wide it is to be clicked on. */
  readonly room: number;
}

/** A picture in which nothing is marked. */
export function unetView(model: ModelPlan, { label, clicked, byKey = false }: UNetViewOptions = {}): UNetView {
  const placed = placesOf(model);
  const boxes = placed.map((stage) => ({
    path: stage.path,
    shape:
      stage.kind === 'attention' ? attentionBox(stage, titleOf(model, stage.path), byKey, clicked) : stageBox(stage),
  }));
  const height = top + (model.config.blockOutChannels.length - 1) * levelHeight + 40;
  const said = label === undefined ? { 'aria-hidden': 'true' } : { role: byKey ? 'group' : 'img', 'aria-label': label };
  const root = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'unet-view', ...said },
    ...skipConnections(model).map(([from, to]) => skipLine(placed, from, to)),
    svg('polyline', { class: 'flow', points: placed.map(({ x, y }) => `${x},${y}`).join(' ') }),
    ...sizes(model, placed),
    ...boxes.map(({ shape }) => shape),
  );
  return {
    root,
    show(chosen) {
      const first = boxes.findIndex(({ path }) => chosen.includes(path));
      for (const [i, { path, shape }] of boxes.entries())
        setAttributes(shape, { 'data-chosen': chosen.includes(path), 'data-twice': first >= 0 && i >= first });
    },
  };
}

/** What the page calls an attention layer, and its path. */
export function titleOf({ layers }: Pick<ModelPlan, 'layers'>, path: string): string {
  return `${plainName(layers, path)}: ${path}`;
}

/** From left to right, in the order in which they run. */
function placesOf(model: ModelPlan): readonly Placed[] {
  const roomOf = (kind: Placed['kind']): number => (kind === 'attention' ? roomOfAttention : 1);
  const unit = width / model.stages.reduce((sum, { kind }) => sum + roomOf(kind), 0);
  let left = 0;
  return model.stages.map(({ path, kind }) => {
    const [level, room] = [levelOf(model, path), roomOf(kind) * unit];
    left += room;
    return { path, kind, level, x: left - room / 2, y: top + level * levelHeight, room };
  });
}

/** The lower, the smaller. */
function stageBox({ path, kind, level, x, y }: Placed): SVGElement {
  const size = 34 - 6 * level;
  return svg(
    'rect',
    { class: `stage-box ${kind}`, x: x - 5, y: y - size / 2, width: 10, height: size, rx: 2 },
    svg('title', {}, path),
  );
}

/** @param title what is said of it on hover */
function attentionBox(
  { path, x, y, room }: Placed,
  title: string,
  byKey: boolean,
  clicked: UNetViewOptions['clicked'],
): SVGElement {
  const reached = byKey ? { role: 'button', tabindex: 0, 'aria-label': title } : {};
  const box = svg(
    'g',
    { class: 'attention-box', 'data-layer': path, ...reached },
    svg('rect', { class: 'target', x: x - room / 2, y: y - 30, width: room, height: 60 }),
    svg('circle', { cx: x, cy: y, r: 10.5 }),
    svg('path', { d: `M${x - 4} ${y}h8M${x} ${y - 4}v8` }),
    svg('title', {}, title),
  );
  box.addEventListener('click', () => clicked?.(path));
  box.addEventListener('keydown', (event) => {
    if (!byKey || (event.key !== 'Enter' && event.key !== ' ')) return;
    event.preventDefault();
    clicked?.(path);
  });
  return box;
}

/** An arc from a stage to another that takes what it hands over. */
function skipLine(placed: readonly Placed[], from: number, to: number): SVGElement {
  const [a, b] = [present(placed[from], `stage ${from}`), present(placed[to], `stage ${to}`)];
  const lift = 10 + (to - from) * 2;
  return svg('path', {
    class: 'skip-line',
    d: `M${a.x} ${a.y} C${a.x + 12} ${a.y - lift} ${b.x - 12} ${b.y - lift} ${b.x} ${b.y}`,
  });
}

/** Below each level, height and width of what its stages work on. */
function sizes(model: ModelPlan, placed: readonly Placed[]): readonly SVGElement[] {
  const sideOf = new Map(placed.map(({ path, level }) => [level, gridOf(model, path)]));
  return [...sideOf].map(([level, side]) =>
    svg('text', { x: width / 2, y: top + level * levelHeight + 30, class: 'size' }, `${side} × ${side}`),
  );
}
