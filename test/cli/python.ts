/** A Python with NumPy, for the tests of the checker that needs no Node. */
import { spawnSync } from 'node:child_process';

const runs = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;

/** Its command: python3, or what the variable PYTHON names; undefined where neither has NumPy. */
export const python = ['python3', process.env['PYTHON'] ?? 'python'].find((name) => runs(name, '-c', 'import numpy'));
