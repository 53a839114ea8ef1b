#!/usr/bin/env bash
# fast-png cannot read interlaced PNG files of 1, 2 or 4 bits: an error, or wrong pixels without one.
#
# Seen with fast-png 8.0.0 (npm) and Node. It reads interlaced files of 8 and 16 bits and uninterlaced ones of 1 to 16,
# but in an interlaced file it takes a byte a pixel also where a byte holds several: it reads pixels as the filter of
# the next row ("Unsupported filter"), and where each pass has but one pixel it returns a picture of another length
# (one byte a pixel, the value in its top bits) with no error. The files are valid: Pillow 13.0.0 reads them all.
# Output seen (8x8 and 3x1, grey): 1, 2, 4 bits, not interlaced: right; interlaced: error for 8x8, 3 bytes instead of
#   1, 1, 2 for 3x1; 8 and 16 bits: right both ways
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" fast-png@8.0.0
cat >"$folder/read.mjs" <<'JS'
import assert from 'node:assert';
import zlib from 'node:zlib';
import fs from 'node:fs';
import { decode } from 'fast-png';

const folder = process.argv[2];
const adam7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];
const value = (x, y, depth) => (x * 7 + y * 13 + x * y + 1) % 2 ** depth;

function crc(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
  }
  return ~sum >>> 0;
}

function chunk(kind, body) {
  const size = Buffer.alloc(4);
  const check = Buffer.alloc(4);
  const named = Buffer.concat([Buffer.from(kind), body]);
  size.writeUInt32BE(body.length);
  check.writeUInt32BE(crc(named));
  return Buffer.concat([size, named, check]);
}

/** Bytes of pixels with the bits packed, as in a PNG row. */
function pack(values, depth) {
  const bits = values.map((v) => v.toString(2).padStart(depth, '0')).join('');
  return Buffer.from(bits.match(/.{1,8}/g).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)));
}

function rows(width, height, depth, passes) {
  const out = [];
  for (const [x0, y0, dx, dy] of passes) {
    for (let y = y0; y < height; y += dy) {
      const values = [];
      for (let x = x0; x < width; x += dx) values.push(value(x, y, depth));
      if (values.length > 0) out.push(pack(values, depth));
    }
  }
  return out;
}

function png(width, height, depth, interlaced) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, 0, 0, 0, interlaced ? 1 : 0], 8);
  const lines = rows(width, height, depth, interlaced ? adam7 : [[0, 0, 1, 1]]);
  const body = zlib.deflateSync(Buffer.concat(lines.flatMap((line) => [Buffer.from([0]), line])));
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))]);
}

function outcome(width, height, depth, interlaced) {
  const file = png(width, height, depth, interlaced);
  fs.writeFileSync(`${folder}/${width}x${height}-${depth}-${interlaced ? 'interlaced' : 'plain'}.png`, file);
  const right = Buffer.concat(rows(width, height, depth, [[0, 0, 1, 1]]));
  try {
    const { data } = decode(file);
    const bytes = depth === 16 ? pack([...data], 16) : Buffer.from(data);
    return bytes.equals(right) ? 'right' : `wrong, ${bytes.length} bytes instead of ${right.length}`;
  } catch (error) {
    return `error (${error.message.replace(/\d+/, 'n')})`;
  }
}

const unreadable = 'error (Unsupported filter: n)';
for (const depth of [1, 2, 4, 8, 16]) {
  const found = [false, true].map((interlaced) => [[8, 8], [3, 1]].map(([w, h]) => outcome(w, h, depth, interlaced)));
  const bytes = { 1: 1, 2: 1, 4: 2 }[depth];
  console.log(`${depth} bits: plain ${found[0].join(', ')}; interlaced ${found[1].join(', ')}`);
  assert.deepEqual(found[0], ['right', 'right']);
  assert.deepEqual(found[1], bytes ? [unreadable, `wrong, 3 bytes instead of ${bytes}`] : ['right', 'right']);
}
console.log('as seen');
JS
mkdir "$folder/files"
node "$folder/read.mjs" "$folder/files"
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0
"$folder/venv/bin/python" - "$folder/files" <<'PY'
import sys
from pathlib import Path

from PIL import Image

for plain in Path(sys.argv[1]).glob("*plain.png"):
    other = Image.open(str(plain).replace("plain", "interlaced"))
    assert Image.open(plain).tobytes() == other.tobytes(), plain
print("Pillow reads the interlaced files like the plain ones")
PY
