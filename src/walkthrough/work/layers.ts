/** Sizes of the UNet's stages, from its config. */
import type { UNetConfig } from '../../models/unet2d/config.ts';
import { present } from '../checked.ts';

interface Sized {
  readonly config: UNetConfig;
}

/** The level of a module, 0 for the full resolution: each further one halves height and width. */
export function levelOf({ config }: Sized, path: string): number {
  const deepest = config.blockOutChannels.length - 1;
  const [, direction, block] = /^(down|up)_blocks\.(\d+)/.exec(path) ?? [];
  if (direction === 'down') return Number(block);
  if (direction === 'up') return deepest - Number(block);
  return path.startsWith('mid_block') ? deepest : 0;
}

/** Height and width of what a module works on. */
export function gridOf(model: Sized, path: string): number {
  const [height] = present(model.config.sampleSize, 'sample_size in the config of the model');
  return height / 2 ** levelOf(model, path);
}

/** What the page calls an attention layer: `middle`, or its place on the way down or up. */
export function plainName(layers: readonly string[], path: string): string {
  if (path.startsWith('mid_block')) return 'middle';
  const way = path.startsWith('down_blocks') ? 'down' : 'up';
  return `way ${way} ${layers.filter((layer) => layer.startsWith(`${way}_blocks`)).indexOf(path) + 1}`;
}

/** Heads of an attention layer. */
export function headsOf(model: Sized, path: string): number {
  const channels = present(model.config.blockOutChannels[levelOf(model, path)], `level of ${path} in the model`);
  return Math.floor(channels / (model.config.attentionHeadDim ?? channels));
}
