/** What a term means, shown beside it: on hover, when it is focused by keyboard, and when it is pressed. */

/** Pixels between a term and its note, and between the note and the edge of the screen. */
const [gap, margin] = [8, 12];

/** Makes each `<button class="term" popovertarget="…">` show its note where it stands. */
export function explainTerms(root: ParentNode): void {
  for (const term of root.querySelectorAll<HTMLButtonElement>('button.term')) {
    const note = term.popoverTargetElement;
    if (!(note instanceof HTMLElement)) continue;
    // A press shows it, too, and never takes it away: where there is no hover, the next press elsewhere does.
    term.popoverTargetAction = 'show';
    const show = (): void => {
      if (!note.matches(':popover-open')) note.showPopover({ source: term });
      place(note, term);
    };
    const hide = (): void => note.hidePopover();
    term.addEventListener('pointerenter', ({ pointerType }) => pointerType === 'mouse' && show());
    term.addEventListener('pointerleave', ({ pointerType }) => pointerType === 'mouse' && hide());
    term.addEventListener('focus', () => term.matches(':focus-visible') && show());
    term.addEventListener('blur', hide);
    term.addEventListener('click', show);
  }
}

/** Below the term, or above it where there is more room; within the screen. */
function place(note: HTMLElement, term: HTMLElement): void {
  const [line] = term.getClientRects();
  if (!line) return;
  const { width, height } = note.getBoundingClientRect();
  const left = Math.max(margin, Math.min(line.left, innerWidth - width - margin));
  const below = line.bottom + gap;
  const top = below + height + margin <= innerHeight ? below : Math.max(margin, line.top - gap - height);
  note.style.left = `${left}px`;
  note.style.top = `${top}px`;
}
