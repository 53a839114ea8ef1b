import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { writtenFiles } from '../../src/cli/watch.ts';
import { temporaryFolder } from './models.ts';

const { path } = temporaryFolder();

describe('files that are watched', () => {
  it('are news when they are there, when they are written, and when they are back', async () => {
    const [a, b] = [path('a'), path('b')];
    const end = new AbortController();
    const news = writtenFiles([a, b], { interval: 5, signal: end.signal });
    const next = async () => (await news.next()).value;
    writeFileSync(a, 'one');
    expect(await next()).toEqual([a]);
    writeFileSync(b, 'one');
    expect(await next()).toEqual([b]);
    writeFileSync(a, 'longer');
    writeFileSync(b, 'longer');
    expect(await next()).toEqual([a, b]);
    rmSync(a);
    setTimeout(() => writeFileSync(a, 'back'), 40);
    expect(await next()).toEqual([a]);
    end.abort();
    expect(await news.next()).toEqual({ value: undefined, done: true });
  });

  it('end a wait that is under way', async () => {
    const end = new AbortController();
    const news = writtenFiles([path('never')], { interval: 60_000, signal: end.signal });
    const waiting = news.next();
    end.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });
});
