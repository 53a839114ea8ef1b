/** A mouse or a pen is followed while it is pressed; a finger taps, and scrolls the page unless it takes the grip. */

/** Where a pointer is, in pixels of the window. */
export type PointerPlace = Pick<MouseEvent, 'clientX' | 'clientY'>;

/**
 * @param moved is told where the pointer is
 * @param grip a part of the target that a finger drags, too
 */
export function followPointer(
  target: HTMLElement | SVGElement,
  moved: (place: PointerPlace) => void,
  grip?: Element,
): void {
  const on = (type: 'pointerdown' | 'pointermove' | 'click', heard: (event: PointerEvent) => void): void =>
    target.addEventListener(type, heard as EventListener);
  on('pointerdown', (event) => {
    if (event.pointerType === 'touch' && event.target !== grip) return;
    target.setPointerCapture(event.pointerId);
    moved(event);
  });
  on('pointermove', (event) => {
    if (target.hasPointerCapture(event.pointerId)) moved(event);
  });
  on('click', moved);
  // Not by `touch-action`, which browsers do not keep to in parts of an SVG.
  grip?.addEventListener('touchstart', (event) => event.preventDefault(), { passive: false });
}
