import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { classify, createClassifier } from '../../src/evaluation/classifier.ts';
import type { FaultName, GuidanceChoice } from '../../src/walkthrough/protocol.ts';
import { usualScale } from '../../src/walkthrough/requests.ts';
import { runCaseName } from '../../src/walkthrough/study.ts';
import { largestDifference } from '../../src/walkthrough/work/difference.ts';
import { faults, isInNetwork } from '../../src/walkthrough/work/faults.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { classifierWeights } from '../evaluation/goldens.ts';
import { oracle } from '../oracle/cases.ts';
import { firstOf } from '../thorough.ts';
import { drawn, lettersModel } from './library.ts';

let model: Model;
beforeAll(async () => {
  model = await lettersModel();
}, 60_000);

/** The E with which the page begins. */
const letter = { seed: 0, slices: [3], labels: [4] };
const layers = ['mid_block.attentions.0'];
const pag: GuidanceChoice = { kind: 'pag', scale: usualScale, layers };
const asked = (guidance: GuidanceChoice, fault?: FaultName) => ({ ...letter, guidance, ...(fault && { fault }) });

describe('what the page says of mistakes', () => {
  it('is what the oracle says: those outside the network it names first, of a run', () => {
    const { faults: named } = JSON.parse(readFileSync(new URL('certificate.json', oracle), 'utf8'));
    const outside = faults.map(({ name }) => name).filter((name) => !isInNetwork(name));
    expect(outside).toHaveLength(4);
    for (const name of outside) expect(named[name][runCaseName][2], name).toBe('first');
  });

  it('is so: three draw what other samplers draw, the spoilt prediction or no guidance', () => {
    const first = (guidance: GuidanceChoice, fault?: FaultName) =>
      sampleRun(model, asked(guidance, fault)).next().value!.sample;
    const spoilt = first({ kind: 'spoilt', layers });
    expect(first(pag, 'guide-scale-for-g')).toEqual(first({ kind: 'none' }));
    expect(first(pag, 'pag-leaks')).toEqual(spoilt);
    // ε − (ε − ε̂) is rounded twice.
    expect(largestDifference(first(pag, 'pag-sign'), spoilt)).toBeLessThan(1e-6);
    expect(largestDifference(first(pag), spoilt)).toBeGreaterThan(1e-3);
  });

  const classifier = createClassifier(classifierWeights());
  /** How sure the classifier is of the letter that was asked for. */
  const sureOf = (fault: FaultName): number =>
    classify(classifier, model.backend, drawn(model, asked(pag, fault))).probabilities.data[letter.labels[0]];
  const passing = faults.filter(({ showsAlone }) => !showsAlone).map(({ name }) => name);

  it.each(firstOf(passing))('holds for %s: alone its letter passes for a right one', (fault) => {
    expect(passing).toHaveLength(5);
    expect(sureOf(fault)).toBeGreaterThan(0.95);
  });

  it('holds for GELU: that is no letter', () => {
    expect(sureOf('silu-is-gelu')).toBeLessThan(0.5);
  });
});
