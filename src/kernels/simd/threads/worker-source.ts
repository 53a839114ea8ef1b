/** What the workers run, as source text. */
import { CONTROL } from '../memory/control.ts';

/**
 * All that a worker does, as source text, so that it runs alike from TypeScript, from built JavaScript and from a
 * bundle. It sleeps in the shared memory, from where it is woken faster than by a message, and is called once for every
 * run. It says that it is there before it looks whether the run is still open: either it sees that it is not, or who
 * closes the run sees it and waits. Called to a module that it does not have, it goes and reads its mail. A failure is
 * left in the shared memory, where the other threads look while they wait.
 */
const workerSource = `
const instances = new Map();
let control;
const joins = (thread) => {
  if (Atomics.load(control, ${CONTROL.OPEN / 4}) === 0) return true;
  const instance = instances.get(Atomics.load(control, ${CONTROL.MODULE / 4}));
  instance?.exports.run(thread, Atomics.load(control, ${CONTROL.ARENA / 4}));
  return instance !== undefined;
};
const serve = (thread) => {
  for (let known = true; known;) {
    const call = Atomics.load(control, ${CONTROL.CALL / 4});
    Atomics.add(control, ${CONTROL.ACTIVE / 4}, 1);
    try {
      known = joins(thread);
    } catch (problem) {
      Atomics.store(control, ${CONTROL.FAILED / 4}, 1);
    }
    Atomics.sub(control, ${CONTROL.ACTIVE / 4}, 1);
    Atomics.notify(control, ${CONTROL.ACTIVE / 4});
    if (known) Atomics.wait(control, ${CONTROL.CALL / 4}, call);
  }
};
const receive = ({ memory, thread, id, module }) => {
  control ??= new Int32Array(memory.buffer, 0, 128);
  if (module) instances.set(id, new WebAssembly.Instance(module, { env: { memory, host() {}, done() {} } }));
  else instances.delete(id);
  serve(thread);
};`;
/** For a thread of Node. */
export const nodeSource = `${workerSource} require('node:worker_threads').parentPort.on('message', receive);`;
/** For a worker of a browser, which answers when it is asked whether it is there. */
export const webSource = `${workerSource}
onmessage = ({ data }) => { if (data === 'open') postMessage('open'); else receive(data); };`;
