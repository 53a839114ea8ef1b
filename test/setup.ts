/** What holds in every test file; vitest.config.ts names it. */
import fc from 'fast-check';
import './same-bytes.ts';
import { repeated } from './thorough.ts';

fc.configureGlobal({ numRuns: repeated(100) });
