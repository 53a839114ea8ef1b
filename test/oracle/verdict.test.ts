import { describe, expect, it } from 'vitest';
import { verdictOn, type Status } from '../../src/oracle/check.ts';

/** The verdict on taps of these states: the places of the first wrong one and of the last good one before it. */
function placesOf(states: readonly Status[], others = 0) {
  const taps = states.map((status) => ({ status }));
  const { first, lastGood, passes } = verdictOn(taps, others);
  const place = (tap: { status: Status } | undefined) => (tap ? taps.indexOf(tap) : undefined);
  return { first: place(first), lastGood: place(lastGood), passes };
}

describe('the verdict', () => {
  it.each(['wrong', 'not finite'] as const)('names the first tap that is %s, be others off before it', (status) => {
    expect(placesOf(['ok', 'inherited', 'ok', status, 'inherited'])).toEqual({ first: 3, lastGood: 2, passes: false });
  });

  it('names the first that is off where none is wrong by itself', () => {
    expect(placesOf(['ok', 'inherited', 'inherited'])).toEqual({ first: 1, lastGood: 0, passes: false });
  });

  it('is good only where something was compared and nothing else is wrong', () => {
    expect(placesOf(['ok', 'ok']).passes).toBe(true);
    expect(placesOf(['ok', 'ok'], 1).passes).toBe(false);
    expect(placesOf([]).passes).toBe(false);
  });
});
