/** A run of the letters model. */
import { testRuns } from './golden-runs.ts';

testRuns(['letters']);
