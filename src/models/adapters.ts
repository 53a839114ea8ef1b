/** Additions to a model that have folders of their own, and are not supported. */

/** What their classes in diffusers have in their names. */
const adapters: Readonly<Record<string, string>> = {
  ControlNet: 'ControlNet',
  MotionAdapter: 'AnimateDiff',
  UNetMotion: 'AnimateDiff',
  AnimateDiff: 'AnimateDiff',
  IPAdapter: 'IP-Adapter',
  T2IAdapter: 'T2I-Adapter',
};

/** `: ControlNet is not supported` for a class of such an addition; empty for others. */
export function adapterHint(className: unknown): string {
  const [, name] = Object.entries(adapters).find(([part]) => String(className).includes(part)) ?? [];
  return name === undefined ? '' : `: ${name} is not supported`;
}
