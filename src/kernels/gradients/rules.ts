/** Which rule goes back through which operation. */
import type { Kind } from '../operations/index.ts';
import { arrangement } from './arrangement.ts';
import { attention } from './attention.ts';
import { elementwise } from './elementwise.ts';
import { norms } from './norms.ts';
import { none } from './none.ts';
import { once } from './once.ts';
import { products } from './products.ts';
import type { Rules } from './rule.ts';

/** One rule for each kind: an operation without one is a type error here. */
export const rules: Rules<Kind> = {
  ...products,
  ...norms,
  ...attention,
  ...elementwise,
  ...arrangement,
  ...once,
  ...none,
};
