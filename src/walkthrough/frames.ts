/** What is done once a frame. */

/** Calls `action` with the next frame, once for all calls before it. */
export function onceAFrame(action: () => void): () => void {
  let scheduled = false;
  return () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      action();
    });
  };
}
