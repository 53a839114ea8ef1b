/**
 * Sends the digests of the reference runs in the browser that runs this, as a worker, to the server that the page came
 * from.
 */
import { loadModelFolder, type ReadFile } from '../../src/index.ts';
import { digests } from './reference-runs.ts';

const send = (what: 'digest' | 'end', value: unknown): Promise<Response> =>
  fetch(`/${what}`, { method: 'POST', body: JSON.stringify(value) });

async function main(): Promise<void> {
  if (!crossOriginIsolated) throw new Error('the page is not cross-origin isolated, so there are no threads');
  const models = { letters: await loadModelFolder(folder('letters'), 'letters'), words: folder('letters-text') };
  for await (const digest of digests(models)) await send('digest', digest);
}

/** Reads the files of a model that the server has. */
function folder(name: string): ReadFile {
  return async (path) => {
    const response = await fetch(`/model/${name}/${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  };
}

main().then(
  () => send('end', null),
  (error: unknown) => send('end', error instanceof Error ? (error.stack ?? error.message) : String(error)),
);
