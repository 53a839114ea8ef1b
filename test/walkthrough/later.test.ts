import { describe, expect, it } from 'vitest';
import type { FromWorker } from '../../src/walkthrough/protocol.ts';
import { createLater } from '../../src/walkthrough/work/later.ts';
import type { Job } from '../../src/walkthrough/work/queue.ts';

/** What is loaded when the test says so. */
function setUp() {
  const loads: { signal: AbortSignal; tell: (done: number) => void; end: (thing: string | Error) => void }[] = [];
  const [jobs, said]: [number[], FromWorker[]] = [[], []];
  const turns = { add: ({ id }: Job) => jobs.push(id), cancel() {}, focus() {} };
  const later = createLater<string>(
    (signal, tell) =>
      new Promise((resolve, reject) => {
        loads.push({
          signal,
          tell: (done) => tell({ kind: 'loading', done, total: 9 }),
          end: (thing) => (typeof thing === 'string' ? resolve(thing) : reject(thing)),
        });
      }),
    turns,
    (message) => said.push(message),
  );
  const begin = (id: number): void => later.begin(id, () => [][Symbol.iterator](), 1);
  return { loads, jobs, said, later, begin };
}
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('work that needs what is loaded later', () => {
  it('begins when that is there; it is loaded once, and all who wait hear how far it is', async () => {
    const { loads, jobs, said, begin } = setUp();
    begin(1);
    begin(2);
    loads[0].tell(4);
    expect(said.map((message) => message.kind === 'result' && message.job)).toEqual([1, 2]);
    loads[0].end('model');
    await soon();
    begin(3);
    await soon();
    expect(jobs).toEqual([1, 2, 3]);
    expect(loads).toHaveLength(1);
  });

  it('says why it cannot, and loads anew when it is asked again', async () => {
    const { loads, jobs, said, begin } = setUp();
    begin(1);
    loads[0].end(new Error('the line is dead'));
    await soon();
    expect(said).toEqual([{ kind: 'failed', job: 1, problem: 'the line is dead' }]);
    begin(2);
    loads[1].end('model');
    await soon();
    expect(jobs).toEqual([2]);
  });

  it('gives up what is being loaded when nobody waits any more, and not before', async () => {
    const { loads, jobs, said, later, begin } = setUp();
    begin(1);
    begin(2);
    later.cancel(1);
    expect(loads[0].signal.aborted).toBe(false);
    later.cancel(2);
    expect(loads[0].signal.aborted).toBe(true);
    loads[0].end(new Error('aborted'));
    begin(3);
    loads[1].end('model');
    await soon();
    expect([jobs, said]).toEqual([[3], []]);
  });
});
