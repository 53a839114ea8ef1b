/** The activations of one plan: which of them may lie in the same bytes, since they are not needed at the same time. */

const ALIGNMENT = 64;
/** Tiles read whole vectors, so up to this much beyond the end of what they use. */
const SLACK = 64;

/** Memory for an activation between the steps `first` and `last`, both included. */
export interface Buffer {
  readonly bytes: number;
  first: number;
  last: number;
  /** Bytes from the start of the arena; known after `layOut`. */
  offset: number;
}

/** Gives every buffer an offset such that two that live at the same time never meet. Returns the bytes of the arena. */
export function layOut(buffers: readonly Buffer[]): number {
  // The largest first, each at the lowest place that is free for all its life: simple, and close to the lower bound.
  const placed: Buffer[] = []; // by their offsets
  let end = 0;
  for (const buffer of [...buffers].sort((a, b) => b.bytes - a.bytes)) {
    let offset = 0;
    for (const other of placed) {
      if (other.last < buffer.first || buffer.last < other.first) continue;
      if (offset + buffer.bytes <= other.offset) break;
      offset = Math.max(offset, other.offset + other.bytes);
    }
    buffer.offset = offset;
    const behind = placed.findIndex((other) => other.offset > offset);
    placed.splice(behind < 0 ? placed.length : behind, 0, buffer);
    end = Math.max(end, offset + buffer.bytes);
  }
  return end;
}

/** The size of a buffer, in bytes, for so many bytes of data. */
export function bufferBytes(data: number): number {
  return ALIGNMENT * Math.ceil((data + SLACK) / ALIGNMENT);
}
