/** What the stages of the UNet cost for one picture, in multiply-adds, and what two passes share. */
import { seamAfterNorm } from '../../nn/joined.ts';
import type { UNetConfig } from '../../models/unet2d/config.ts';
import { unetParameters } from '../../models/unet2d/parameters.ts';
import type { Stage } from '../../models/unet2d/stages.ts';
import { gridOf, levelOf } from './layers.ts';

interface Plan {
  readonly config: UNetConfig;
  readonly stages: readonly Stage[];
}

export interface StageCost {
  readonly path: string;
  readonly plain: number;
  /** With the identity in place of its attention map, where it has one: query, key and map are never computed. */
  readonly perturbed: number;
  /**
   * Parts of both that depend on nothing but what an earlier stage has handed over, by its place; −1 is the embedding
   * of time.
   */
  readonly handedOver: readonly { readonly from: number; readonly cost: number }[];
}

/** One for each stage. The time embedding, which all stages share, costs next to nothing and is left out. */
export function stageCosts({ config, stages }: Plan): readonly StageCost[] {
  const weights = unetParameters(config).filter(
    ({ module, name }) => name.endsWith('.weight') && (module === 'convolution' || module === 'linear'),
  );
  const skips = new Map(skipConnections({ config, stages }).map(([from, to]) => [to, from]));
  return stages.map(({ path, kind }, place) => {
    // On the doubled picture four of a kernel's nine products are done for a pixel: see plain/upsample-conv2d.
    const pixels = outputSide({ config }, { path, kind }) ** 2 * (kind === 'upsample' ? 4 / 9 : 1);
    const own = weights.filter(({ name }) => name.startsWith(`${path}.`));
    const cost = (name: string, shape: readonly number[]): number =>
      shape.reduce((product, extent) => product * extent, 1) * (name.endsWith('.time_emb_proj.weight') ? 1 : pixels);
    const total = own.reduce((sum, { name, shape }) => sum + cost(name, shape), 0);
    const handedOver = own.flatMap(({ name, shape }) => {
      if (name.endsWith('.time_emb_proj.weight')) return [{ from: -1, cost: cost(name, shape) }];
      if (name.endsWith('.to_v.weight')) return [{ from: place - 1, cost: cost(name, shape) }];
      const from = skips.get(place);
      if (from === undefined || name.endsWith('.conv2.weight')) return [];
      const [, channels] = shape;
      const seam = channels - config.blockOutChannels[levelOf({ config }, stages[from].path)];
      const start = name.endsWith('.conv1.weight')
        ? (seamAfterNorm(seam, channels, config.normNumGroups) ?? channels)
        : seam;
      return [{ from, cost: cost(name, shape) * (1 - start / channels) }];
    });
    if (kind !== 'attention') return { path, plain: total, perturbed: total, handedOver };
    const query = own.find(({ name }) => name.endsWith('.to_q.weight'))!;
    return {
      path,
      plain: total + 2 * pixels * pixels * query.shape[0],
      perturbed: total - 2 * cost(query.name, query.shape),
      handedOver,
    };
  });
}

/** Height and width of what a stage gives. */
function outputSide(model: { readonly config: UNetConfig }, { path, kind }: Pick<Stage, 'path' | 'kind'>): number {
  const side = gridOf(model, path);
  if (kind === 'downsample') return side / 2;
  return kind === 'upsample' ? side * 2 : side;
}

export interface GuidedCost {
  /** Up to the first perturbed layer, and what that has handed over to later stages: computed once for both passes. */
  readonly shared: number;
  /** The rest of the plain pass, and that of the perturbed one. */
  readonly plain: number;
  readonly perturbed: number;
}

/** The two passes of PAG with these layers perturbed. */
export function guidedCost(costs: readonly StageCost[], layers: readonly string[]): GuidedCost {
  const first = costs.findIndex(({ path }) => layers.includes(path));
  const split = first < 0 ? costs.length : first;
  const [before, after] = [costs.slice(0, split), costs.slice(split)];
  const sum = (part: readonly StageCost[], of: (cost: StageCost) => number): number =>
    part.reduce((total, cost) => total + of(cost), 0);
  const common = ({ handedOver }: StageCost): number =>
    handedOver.reduce((total, { from, cost }) => (from < split ? total + cost : total), 0);
  return {
    shared: sum(before, ({ plain }) => plain) + sum(after, common),
    plain: sum(after, (cost) => cost.plain - common(cost)),
    perturbed: sum(after, (cost) => (layers.includes(cost.path) ? cost.perturbed : cost.plain) - common(cost)),
  };
}

/** Which stages hand their result over to which on the way up, as [from, to], by their places. */
export function skipConnections({ config, stages }: Plan): readonly (readonly [number, number])[] {
  const kept: number[] = [];
  const pairs: (readonly [number, number])[] = [];
  stages.forEach(({ path, kind }, i) => {
    const isDown = path === 'conv_in' || path.startsWith('down_blocks');
    const beforeAttention =
      kind === 'resnet' &&
      stages[i + 1]?.kind === 'attention' &&
      levelOf({ config }, path) === levelOf({ config }, stages[i + 1].path);
    if (isDown && !beforeAttention) kept.push(i);
    if (path.startsWith('up_blocks') && kind === 'resnet') pairs.push([kept.pop()!, i]);
  });
  return pairs;
}
