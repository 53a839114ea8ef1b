/** No guidance: what the model says. */
import { conditional, predictOne, type Guidance } from './guidance.ts';

export const none: Guidance = { name: 'none', guide: (step) => predictOne(step, conditional) };
