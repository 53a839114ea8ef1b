/** Doing the work: a turn at a time, so that the messages of the page are heard in between. */
import { explain } from '../explained.ts';
import type { FromWorker } from '../protocol.ts';
import { createQueue, type Job } from './queue.ts';

/** Jobs that are being worked on. What comes out is posted as it comes, and then that a job is done, or has failed. */
export interface Turns {
  add(job: Job): void;
  cancel(id: number): void;
  /** These go first from now on. */
  focus(ids: readonly number[]): void;
}

/** Begins with the first job that is added, and rests when there is none. */
export function createTurns(post: (message: FromWorker) => void): Turns {
  const queue = createQueue();
  const seconds = new Map<number, number>();
  const finish = (id: number, message: FromWorker): void => {
    queue.cancel(id);
    seconds.delete(id);
    post(message);
  };
  const takeTurn = ({ id, steps }: Job): void => {
    const started = performance.now();
    try {
      const { done, value } = steps.next();
      const spent = (seconds.get(id) ?? 0) + (performance.now() - started) / 1000;
      seconds.set(id, spent);
      if (done) finish(id, { kind: 'done', job: id, seconds: spent });
      else post({ kind: 'result', job: id, result: value });
    } catch (problem) {
      finish(id, { kind: 'failed', job: id, problem: explain(problem) });
    }
  };
  const wake = afterMessages(() => {
    const job = queue.next();
    if (!job) return;
    takeTurn(job);
    wake();
  });
  return {
    add(job) {
      queue.add(job);
      wake();
    },
    cancel: queue.cancel,
    focus: queue.focus,
  };
}

/** Calls `action` behind the messages that wait, once for all calls before it. */
export function afterMessages(action: () => void): () => void {
  // A message to oneself waits behind the messages of the page.
  const { port1, port2 } = new MessageChannel();
  let awake = false;
  port1.onmessage = () => {
    awake = false;
    action();
  };
  return () => {
    if (awake) return;
    awake = true;
    port2.postMessage(undefined);
  };
}
