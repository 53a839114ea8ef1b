/** No guidance. */
import { conditional, predictOne, type Guidance } from './guidance.ts';

/** ε̃ = ε(c): what the model says. */
export const none: Guidance = { name: 'none', guide: (step) => predictOne(step, conditional) };
