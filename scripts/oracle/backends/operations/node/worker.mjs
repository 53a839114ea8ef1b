/** Answers calls.py: `node worker.mjs BACKEND`, in the folder with the packages. */
import { readSync, writeSync } from 'node:fs';

// What packages print must not stand among the answers.
console.log = console.error;
console.info = console.error;
const name = process.argv[2];
const { open } = await import(`./${/-webg/.test(name) ? 'browser' : name.replace(/^tfjs-.*/, 'tfjs')}.mjs`);
const backend = await open(name);

function read(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const count = readSync(0, bytes, at, length - at, null);
    if (count === 0) process.exit(0);
    at += count;
  }
  return bytes;
}

function write(bytes) {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

function answer(header, tensors = []) {
  const text = Buffer.from(JSON.stringify({ ...header, shapes: tensors.map(({ shape }) => shape) }));
  const numbers = tensors.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32LE(text.length, 0);
  lengths.writeUInt32LE(
    numbers.reduce((sum, part) => sum + part.length, 0),
    4,
  );
  for (const part of [lengths, text, ...numbers]) write(part);
}

for (;;) {
  const lengths = new DataView(read(8).buffer);
  const header = JSON.parse(Buffer.from(read(lengths.getUint32(0, true))).toString());
  const numbers = read(lengths.getUint32(4, true));
  let at = 0;
  const tensors = header.shapes.map((shape) => {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const data = new Float32Array(numbers.slice(at, at + 4 * count).buffer);
    at += 4 * count;
    return { shape, data };
  });
  try {
    if (header.do === 'versions') answer({ versions: backend.versions });
    else if (header.do === 'model') answer({}, await backend.model(numbers.slice(at), header.names, tensors));
    else answer({}, [await backend.operations[header.do](...tensors, ...header.arguments)]);
  } catch (error) {
    answer({ error: String(error?.message ?? error) });
  }
}
