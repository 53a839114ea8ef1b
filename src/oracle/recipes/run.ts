/** A whole run of a model that draws pictures themselves, through the sampling loop. */
import { classConditions } from '../../models/condition.ts';
import type { RunSubject } from '../case.ts';
import { buildUNet } from './build.ts';
import { guidedRun } from './guided-run.ts';
import type { Recipe } from './recipe.ts';

/** The taps are those of every step. */
export function runRecipe(subject: RunSubject): Recipe {
  return (means) => {
    const labels = subject.labels && means.implementation.labels(subject.labels);
    guidedRun(means, subject, buildUNet(subject.config, means), {
      // A port that asks for no condition where there is none gets the one that is given.
      null: labels ? { classLabels: labels } : {},
      ...classConditions(labels, subject.nullLabel),
    });
  };
}
