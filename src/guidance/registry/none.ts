/** The entry of no guidance. */
import { none } from '../none.ts';
import type { GuidanceEntry } from './entry.ts';

/** By its name. */
export const noneEntries: Readonly<Record<string, GuidanceEntry>> = {
  none: {
    summary: 'no guidance',
    formula: 'ε(c)',
    source: 'Ho et al. 2020, arXiv 2006.11239',
    parameters: [],
    create: () => none,
  },
};
