import { describe, expect, it } from 'vitest';
import type { Pictures } from '../../../src/training/pictures.ts';
import { lettersSource } from '../../../src/walkthrough/training/letters-source.ts';

const letters: Pictures = { shape: [1, 1, 1, 1], data: Uint8Array.of(7), labels: [0] };

/** A source whose letters come, or do not, when the test says so. */
function setUp() {
  const loads: PromiseWithResolvers[] = [];
  const given: Pictures[] = [];
  let changes = 0;
  const source = lettersSource(
    () => new Promise((come, fail) => loads.push({ come, fail })),
    () => (changes += 1),
  );
  const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  return { source, loads, given, changes: () => changes, settled, ask: () => source.ask((found) => given.push(found)) };
}
interface PromiseWithResolvers {
  come(letters: Pictures): void;
  fail(problem: unknown): void;
}

describe('where the letters come from', () => {
  it('loads nothing before it is asked, then once', async () => {
    const { source, loads, given, changes, settled, ask } = setUp();
    expect([loads.length, source.state()]).toEqual([0, { isLoading: false }]);
    ask();
    ask();
    expect([loads.length, source.state()]).toEqual([1, { isLoading: true }]);
    loads[0].come(letters);
    await settled();
    expect([given, source.state()]).toEqual([[letters], { letters, isLoading: false }]);
    ask();
    expect([given.length, loads.length, changes()]).toEqual([2, 1, 2]);
  });

  it('says why they did not come, and loads again when it is asked again', async () => {
    const { source, loads, given, settled, ask } = setUp();
    ask();
    loads[0].fail(new Error('the server answers 404'));
    await settled();
    expect(source.state()).toEqual({ isLoading: false, problem: 'the server answers 404' });
    ask();
    expect(source.state()).toEqual({ isLoading: true });
    loads[1].come(letters);
    await settled();
    expect(given).toEqual([letters]);
  });
});
