/** Work that needs something which is loaded when it is first asked for. */
import type { FromWorker, WorkKind, Works } from '../protocol.ts';
import type { Job } from './queue.ts';
import { explain } from '../explained.ts';
import type { Turns } from './turns.ts';

type Result = Works[WorkKind]['result'];

/** What is loaded once, and worked with. */
export interface Later<Thing> {
  /** Loads it, unless it is there, then begins. */
  begin(id: number, stepsOf: (thing: Thing) => Job['steps'], size: number): void;
  /** When nobody waits any more, what is being loaded is given up. */
  cancel(id: number): void;
}

/**
 * Nothing is loaded yet. What failed, or was given up, is loaded anew when it is asked for again.
 * @param load is given what stops it, and what tells all who wait how far it is
 */
export function createLater<Thing>(
  load: (signal: AbortSignal, tell: (result: Result) => void) => Promise<Thing>,
  turns: Turns,
  post: (message: FromWorker) => void,
): Later<Thing> {
  const waiting = new Set<number>();
  let loading: { readonly thing: Promise<Thing>; readonly stop: AbortController } | undefined;
  const open = (): Promise<Thing> => {
    const stop = new AbortController();
    const tell = (result: Result): void => {
      for (const job of waiting) post({ kind: 'result', job, result });
    };
    const opened = { thing: load(stop.signal, tell), stop };
    loading = opened;
    opened.thing.catch(() => {
      if (loading === opened) loading = undefined;
    });
    return opened.thing;
  };
  return {
    begin(id, stepsOf, size) {
      waiting.add(id);
      (loading?.thing ?? open()).then(
        (thing) => {
          if (waiting.delete(id)) turns.add({ id, size, steps: stepsOf(thing) });
        },
        (problem: unknown) => {
          if (waiting.delete(id)) post({ kind: 'failed', job: id, problem: explain(problem) });
        },
      );
    },
    cancel(id) {
      if (!waiting.delete(id) || waiting.size > 0) return;
      loading?.stop.abort(new Error('nobody waits for it any more'));
      loading = undefined;
    },
  };
}
