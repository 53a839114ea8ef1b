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
  /** @param chosen the paths of the layers that are marked */
  show(chosen: readonly string[]): void;
}

const [width, slot, levelHeight, top] = [760, 30, 62, 74];

/** A stage and its place: the middle of its box. */
interface Placed {
  readonly path: string;
  readonly kind: ModelPlan['stages'][number]['kind'];
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

/** @param clicked is told the path of an attention layer */
export function unetView(model: ModelPlan, clicked: (path: string) => void): UNetView {
  const gap = (width - slot) / (model.stages.length - 1);
  const placed = model.stages.map(({ path, kind }, i): Placed => {
    const level = levelOf(model, path);
    return { path, kind, level, x: slot / 2 + i * gap, y: top + level * levelHeight };
  });
  const boxes = placed.map((stage) => ({
    path: stage.path,
    shape:
      stage.kind === 'attention'
        ? attentionBox(stage, gap, `${plainName(model.layers, stage.path)}: ${stage.path}`, clicked)
        : stageBox(stage),
  }));
  const height = top + (model.config.blockOutChannels.length - 1) * levelHeight + 40;
  const root = svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: 'unet-view',
      role: 'img',
      'aria-label':
        `The UNet: ${placed.length} stages, ${model.layers.length} of them attention layers. ` +
        'The list below chooses among them.',
    },
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

/** The lower, the smaller. */
function stageBox({ path, kind, level, x, y }: Placed): SVGElement {
  const size = 34 - 6 * level;
  return svg(
    'rect',
    { class: `stage-box ${kind}`, x: x - 5, y: y - size / 2, width: 10, height: size, rx: 2 },
    svg('title', {}, path),
  );
}

/**
 * @param gap how wide it is to be clicked on
 * @param title what is said of it on hover
 */
function attentionBox({ path, x, y }: Placed, gap: number, title: string, clicked: (path: string) => void): SVGElement {
  const box = svg(
    'g',
    { class: 'attention-box', 'data-layer': path },
    svg('rect', { class: 'target', x: x - gap / 2, y: y - 26, width: gap, height: 52 }),
    svg('circle', { cx: x, cy: y, r: 10.5 }),
    svg('path', { d: `M${x - 4} ${y}h8M${x} ${y - 4}v8` }),
    svg('title', {}, title),
  );
  box.addEventListener('click', () => clicked(path));
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
