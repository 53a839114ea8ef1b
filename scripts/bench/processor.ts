/** The processor of this machine. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';

/** Its name, how many there are, and where Linux tells it its family, for shared machines hide the rest. */
export function processorName(): string {
  const name = (cpus()[0]?.model ?? 'unknown processor').trim();
  const info = existsSync('/proc/cpuinfo') ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const [family, model] = ['cpu family', 'model'].map((key) => new RegExp(`^${key}\\s*: (.+)$`, 'm').exec(info)?.[1]);
  const widest = ['avx512f', 'avx2'].find((flag) => info.includes(` ${flag} `));
  const known = [family && `family ${family}`, model && `model ${model}`, widest].filter(Boolean);
  const details = known.length === 0 ? '' : ` (${known.join(', ')})`;
  return `${name}${details}, ${availableParallelism()} processors`;
}
