/**
 * The module that a worker runs, in browsers and in Node: `pag-reference/worker`. It has nothing to import. Programs
 * that are bundled so that the library cannot find it give it to `openSampler` themselves.
 */
import type { Port } from './protocol.ts';
import { serve } from './server.ts';

interface Scope {
  postMessage(message: unknown): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  readonly process?: { getBuiltinModule?: (name: string) => unknown };
}

interface NodePort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: unknown) => void): void;
}

function ownPort(scope: Scope): Port {
  const threads = scope.process?.getBuiltinModule?.('node:worker_threads') as { parentPort?: NodePort } | undefined;
  const node = threads?.parentPort;
  if (node)
    return { postMessage: (message) => node.postMessage(message), listen: (receive) => node.on('message', receive) };
  return {
    postMessage: (message) => scope.postMessage(message),
    listen(receive) {
      scope.onmessage = ({ data }) => receive(data);
    },
  };
}

const port = ownPort(globalThis as unknown as Scope);
serve(port);
// A worker that has come to life says so: one that could not be loaded says nothing.
port.postMessage('ready');
