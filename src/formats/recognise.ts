/** What a file is that should have been another, by its first bytes. */

/** How files begin that are found in the place of weights and configs, and what to do about each. */
const beginnings: readonly (readonly [begins: string, is: string, remedy: string])[] = [
  ['version https://git-lfs', 'a Git-LFS pointer, not the file itself', 'fetch it, as with "git lfs pull"'],
  ['<!doctype', 'a web page, not the file itself', 'download it again; a login or an agreement may be needed'],
  ['<html', 'a web page, not the file itself', 'download it again; a login or an agreement may be needed'],
  ['PK\x03\x04', "a zip archive, as PyTorch's .bin, .pt and .ckpt files are", 'save it as safetensors'],
  ['GGUF', 'a GGUF file', 'save the model with diffusers, as safetensors'],
  ['\x89HDF', 'an HDF5 file, as those of Keras', 'save the model with diffusers, as safetensors'],
  ['\x93NUMPY', 'a NumPy array', 'save it as safetensors'],
  ['\x1f\x8b', 'compressed by gzip', 'unpack it'],
  ['\x89PNG', 'a PNG picture', 'give the file of weights'],
  ['\xff\xd8\xff', 'a JPEG picture', 'give the file of weights'],
  ['{"', 'JSON text', 'give the file of weights'],
];

/**
 * What is known of a file that is not what it should be, as `is …; what to do`; undefined where nothing is.
 * @param bytes its beginning: eight tell most, of a pointer or a page
 */
export function recognise(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, 64)).replace(/^\xef\xbb\xbf|^\s+/, '');
  const begin = text.toLowerCase();
  const found = beginnings.find(([begins]) => alike(begin, begins.toLowerCase()));
  if (found) return `is ${found[1]}; ${found[2]}`;
  if (isPickle(bytes)) return "is a pickle, as PyTorch's old .bin and .ckpt files are; save it as safetensors";
  return undefined;
}

/** How a file begins that is text; undefined where it is none. */
export function beginningText(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, 24));
  return text.length >= 6 && /^[\x20-\x7e\s]*$/.test(text) ? JSON.stringify(text) : undefined;
}

/** A pickle of protocol 2 to 5 begins with its number, and then makes something: a dictionary, a frame, a number. */
function isPickle([first, protocol = 0, makes = 0]: Uint8Array): boolean {
  return first === 0x80 && protocol >= 2 && protocol <= 5 && '}]c(X\x8a\x8c\x95'.includes(String.fromCharCode(makes));
}

/** Whether a file begins so, as far as it is known: eight bytes of it, or more. */
function alike(found: string, begins: string): boolean {
  return found.startsWith(begins) || (found.length >= 4 && begins.startsWith(found));
}
