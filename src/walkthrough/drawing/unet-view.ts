/**
 * The UNet as its config describes it: stages from left to right, full resolution on top, attention layers to click on.
 */
import type { ModelPlan } from '../page.ts';
import { skipConnections } from '../work/cost.ts';
import { levelOf } from '../work/layers.ts';
import { setAttributes, svg } from './dom.ts';

export interface UNetView {
  readonly root: SVGElement;
  /** @param chosen the paths of the layers that are marked */
  show(chosen: readonly string[]): void;
}

const [width, slot, levelHeight, top] = [760, 30, 62, 74];

/** @param clicked is told the path of an attention layer */
export function unetView(model: ModelPlan, clicked: (path: string) => void): UNetView {
  const { stages } = model;
  const gap = (width - slot) / (stages.length - 1);
  const places = stages.map(({ path }, i) => ({ x: slot / 2 + i * gap, y: top + levelOf(model, path) * levelHeight }));

  const flow = svg('polyline', { class: 'flow', points: places.map(({ x, y }) => `${x},${y}`).join(' ') });
  const skips = skipConnections(model).map(([from, to]) => {
    const [a, b] = [places[from], places[to]];
    const lift = 10 + (to - from) * 2;
    return svg('path', {
      class: 'skip-line',
      d: `M${a.x} ${a.y} C${a.x + 12} ${a.y - lift} ${b.x - 12} ${b.y - lift} ${b.x} ${b.y}`,
    });
  });
  const boxes = stages.map(({ path, kind }, i) => {
    const { x, y } = places[i];
    const size = 34 - 6 * levelOf(model, path);
    const title = svg('title', {}, path);
    if (kind !== 'attention')
      return svg(
        'rect',
        { class: `stage-box ${kind}`, x: x - 5, y: y - size / 2, width: 10, height: size, rx: 2 },
        title,
      );
    const box = svg(
      'g',
      { class: 'attention-box', 'data-layer': path },
      svg('rect', { class: 'target', x: x - gap / 2, y: y - 26, width: gap, height: 52 }),
      svg('circle', { cx: x, cy: y, r: 10.5 }),
      svg('path', { d: `M${x - 4} ${y}h8M${x} ${y - 4}v8` }),
      title,
    );
    box.addEventListener('click', () => clicked(path));
    return box;
  });
  const sizes = [...new Set(stages.map(({ path }) => levelOf(model, path)))].map((level) => {
    const side = model.config.sampleSize![0] / 2 ** level;
    return svg('text', { x: width / 2, y: top + level * levelHeight + 30, class: 'size' }, `${side} × ${side}`);
  });
  const height = top + (model.config.blockOutChannels.length - 1) * levelHeight + 40;
  const root = svg(
    'svg',
    {
      viewBox: `0 0 ${width} ${height}`,
      class: 'unet-view',
      role: 'img',
      'aria-label': `The UNet: ${stages.length} stages, ${model.layers.length} of them attention layers. The list below chooses among them.`,
    },
    ...skips,
    flow,
    ...sizes,
    ...boxes,
  );

  return {
    root,
    show(chosen) {
      const first = stages.findIndex(({ path }) => chosen.includes(path));
      stages.forEach(({ path }, i) =>
        setAttributes(boxes[i], { 'data-chosen': chosen.includes(path), 'data-twice': first >= 0 && i >= first }),
      );
    },
  };
}
