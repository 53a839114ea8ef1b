/** What a fast backend needs that draws, and derives nothing. */
import type { Parts } from './backend.ts';
import { forwardRules } from './lower/forward-rules.ts';
import { threads } from './threads/pool.ts';
import { writeErfTable } from './tiles/activations.ts';
import { writeGeluConstants } from './tiles/gelu.ts';

/** All that goes forward in the direct order, in float32, on all threads. */
export const forwardParts: Parts = { rules: forwardRules, tables: [writeErfTable, writeGeluConstants], threads };
