#!/usr/bin/env bash
# Pillow misses the transparent colour (tRNS) of PNG files with 2, 4 or 16 bits, and may take another colour for it.
#
# Seen with Pillow 13.0.0. In grey PNGs of 2 and 4 bits the pixels are scaled to 0..255 when read but the transparent
# value is not, so it matches nothing (unless it is 0; 1 and 8 bits are right). In 16 bits (grey and RGB)
# convert("RGBA") compares the low byte of the transparent value with the pixels cut to 8 bits: the pixel that is meant
# stays opaque and another, with that low byte as its value, vanishes.
# Output seen (alpha; the second pixel is the transparent one): 2 bits 255 255 255 255, 4 bits 255 255,
#   8 bits 255 0 255 255; 16-bit RGB, transparent (0x1234, 0x5678, 0x9abc): that pixel 255, (0x34ff, 0x78ff, 0xbcff) 0;
#   16-bit grey, transparent 0x1234: that pixel 255, 0x0034 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pillow==13.0.0
"$folder/venv/bin/python" - <<'PY'
import io
import struct
import zlib

from PIL import Image


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def alphas(depth, colour, pixels, transparent):
    """Alphas that Pillow finds in a PNG of one row; `transparent` is the tRNS value."""
    bits = "".join(format(value, f"0{depth}b") for pixel in pixels for value in pixel)
    bits += "0" * (-len(bits) % 8)
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    header = struct.pack(">IIBBBBB", len(pixels), 1, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), (b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))]
    parts += [(b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    file = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)
    return list(Image.open(io.BytesIO(file)).convert("RGBA").getchannel("A").tobytes())


GREY, RGB = 0, 2
meant, other = (0x1234, 0x5678, 0x9ABC), (0x34FF, 0x78FF, 0xBCFF)
cases = [
    ("1 bit", alphas(1, GREY, [(0,), (1,)], (1,)), [255, 0]),
    ("2 bits", alphas(2, GREY, [(0,), (2,), (1,), (3,)], (2,)), [255, 255, 255, 255]),
    ("4 bits", alphas(4, GREY, [(0,), (7,)], (7,)), [255, 255]),
    ("8 bits", alphas(8, GREY, [(0,), (7,), (70,), (255,)], (7,)), [255, 0, 255, 255]),
    ("16 bits, grey", alphas(16, GREY, [(0,), (0x1234,), (0x34,)], (0x1234,)), [255, 255, 0]),
    ("8 bits, RGB", alphas(8, RGB, [(1, 2, 3), (4, 5, 6)], (4, 5, 6)), [255, 0]),
    ("16 bits, RGB", alphas(16, RGB, [(0, 0, 0), meant, other], meant), [255, 255, 0]),
]
for name, found, expected in cases:
    print(f"{name}: alphas {found} (the second pixel should be 0, the others 255)")
    assert found == expected, (name, found)
print("as seen")
PY
