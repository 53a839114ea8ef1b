/** Steps as they are written down, one after another, and the memory that they use in between. */
import type { Emitter } from '../emitter.ts';
import type { Panel } from '../library.ts';
import { bufferBytes, type Buffer } from '../memory/buffers.ts';
import type { Place } from '../memory/place.ts';
import type { Step } from './steps.ts';

/** Steps so far. */
export interface StepList extends Emitter {
  readonly steps: readonly Step[];
  /** What has been given out. */
  readonly buffers: readonly Buffer[];
  /** Adds a step. Its places are alive until then, at least. */
  add(step: Step): void;
  /** Keeps the place alive for the step that is being made. */
  use(place: Place): void;
}

/** No steps yet. */
export function stepList(panel: Panel): StepList {
  const steps: Step[] = [];
  const buffers: Buffer[] = [];
  const use = ({ buffer }: Place): void => {
    if (!buffer) return;
    buffer.first = Math.min(buffer.first, steps.length);
    buffer.last = Math.max(buffer.last, steps.length);
  };
  const add = (step: Step): void => {
    for (const place of placesOf(step)) use(place);
    steps.push(step);
  };
  return {
    panel,
    steps,
    buffers,
    add,
    use,
    newPlace(bytes, batchStride) {
      const buffer: Buffer = { bytes: bufferBytes(bytes), first: steps.length, last: steps.length, offset: 0 };
      buffers.push(buffer);
      return { buffer, offset: 0, batchStride };
    },
    emit: (name, operands, make, products = 0) => add({ kind: 'kernel', name, products, make, operands }),
  };
}

/** The places that a step reads and writes. */
export function placesOf(step: Step): readonly Place[] {
  if (step.kind === 'kernel') return step.operands;
  return step.kind === 'write' ? [step.to] : [...step.inputs, step.output].map(({ place }) => place);
}
