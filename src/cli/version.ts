import { readFileSync } from 'node:fs';

/** The version of this package, from its package.json: beside src and dist alike. Where that is gone, `unknown`. */
export function version(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { name, version } = JSON.parse(text) as { readonly name?: unknown; readonly version?: unknown };
    return name === 'pag-reference' && typeof version === 'string' ? version : 'unknown';
  } catch {
    return 'unknown';
  }
}
