/** Sizes of the UNet's stages, from its config. */
import type { UNetConfig } from '../../models/unet2d/config.ts';

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
  return model.config.sampleSize![0] / 2 ** levelOf(model, path);
}

/** Heads of an attention layer. */
export function headsOf(model: Sized, path: string): number {
  const channels = model.config.blockOutChannels[levelOf(model, path)];
  return Math.floor(channels / (model.config.attentionHeadDim ?? channels));
}
