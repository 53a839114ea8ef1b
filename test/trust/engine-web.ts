/**
 * Sends the digests of the reference runs in the browser that runs this, as a worker, to the server that the page came
 * from.
 */
import { loadModelFolder } from '../../src/index.ts';
import { digests } from './reference-runs.ts';

const send = (what: 'digest' | 'end', value: unknown): Promise<Response> =>
  fetch(`/${what}`, { method: 'POST', body: JSON.stringify(value) });

async function main(): Promise<void> {
  if (!crossOriginIsolated) throw new Error('the page is not cross-origin isolated, so there are no threads');
  const model = await loadModelFolder(async (path) => {
    const response = await fetch(`/model/${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  }, 'letters');
  for await (const digest of digests(model)) await send('digest', digest);
}

main().then(
  () => send('end', null),
  (error: unknown) => send('end', error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
