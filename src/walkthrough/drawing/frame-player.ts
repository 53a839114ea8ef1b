/** How something becomes what it is, frame by frame; for those who prefer it, only what it is in the end. */

/** How long it takes, in milliseconds. */
const duration = 700;

/**
 * @param show draws a frame; nothing where there is none
 * @returns what plays frames, from the first to the last. Frames that are playing already go on as they are
 */
export function framePlayer<Frame>(
  show: (frame: Frame | undefined) => void,
): (frames: readonly Frame[] | undefined) => void {
  let playing: readonly Frame[] | undefined;
  const play = (frames: readonly Frame[], started: number): void => {
    requestAnimationFrame((now) => {
      if (playing !== frames) return;
      const share = Math.min(1, Math.max(0, now - started) / duration);
      show(frames[Math.round(share * (frames.length - 1))]);
      if (share < 1) play(frames, started);
    });
  };
  return (frames) => {
    if (frames === playing) return;
    playing = frames;
    if (frames && !matchMedia('(prefers-reduced-motion: reduce)').matches) play(frames, performance.now());
    else show(frames?.at(-1));
  };
}
