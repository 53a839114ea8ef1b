/** Archives: a tar in the form of POSIX (ustar), as every tar reads it. */
import { joinBytes } from '../tensor/bytes.ts';
import { InputError } from '../tensor/errors.ts';

const block = 512;

/**
 * The bytes of an archive of files, by their paths. They have no owner and no time, so the same files give the same
 * bytes.
 * @throws InputError for a path that has no place in an archive: more than 100 bytes
 */
export function writeTar(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts = [...files].flatMap(([path, bytes]) => [headerOf(path, bytes.length), padded(bytes)]);
  // Two empty blocks end it.
  return joinBytes([...parts, new Uint8Array(2 * block)]);
}

function padded(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / block) * block);
  out.set(bytes);
  return out;
}

/** The field of each thing that is said of a file: where it begins, and what stands there. */
function headerOf(path: string, size: number): Uint8Array {
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  const out = new Uint8Array(block);
  const write = (at: number, text: string): void => out.set(new TextEncoder().encode(text), at);
  if (new TextEncoder().encode(path).length > 100)
    throw new InputError(`${path} is too long for an archive: 100 bytes`);
  write(0, path);
  write(100, octal(0o644, 7));
  write(108, octal(0, 7));
  write(116, octal(0, 7));
  write(124, octal(size, 11));
  write(136, octal(0, 11));
  write(148, ' '.repeat(8));
  write(156, '0');
  write(257, 'ustar\x0000');
  write(
    148,
    `${octal(
      out.reduce((sum, byte) => sum + byte, 0),
      6,
    )} `,
  );
  return out;
}
