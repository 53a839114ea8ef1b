"""Goldens of reading pictures: fixtures/goldens/pictures/{kinds,sizes}.json, from Pillow.

kinds: PNG files of every kind, written out here by hand so that every bit depth, filter and pass of Adam7 is there,
and what Pillow reads in them as diffusers' `load_image` does: turned upright (`exif_transpose`), then
`convert("RGB")`; `grey` is that converted to "L", `alpha` that of `convert("RGBA")`. Three kinds are not as Pillow
has them, but as the PNG specification says, and are marked so:
- grey of 16 bits: Pillow cuts values off at 255, so that nearly all is white; here it is their high 8 bits, which is
  what Pillow does with 16 bits of RGB.
- the clear colour (tRNS) of grey of 2 and 4 bits and of 16 bits: Pillow compares it with values that are already
  spread or cut to 8 bits.

sizes: pictures, and what `resize(…, LANCZOS)` makes of them. All bytes are in base64.
"""
import base64
import io
import struct
import warnings
import zlib

import numpy
import PIL
from PIL import Image, ImageOps

import store

SEED = 13
WIDTH, HEIGHT = 7, 6
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
PALETTE_SIZE = {1: 2, 2: 4, 4: 13, 8: 200}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(row, bits):
    """The bytes of a line of samples."""
    if bits == 16:
        return b"".join(struct.pack(">H", int(v)) for v in row)
    text = "".join(format(int(v), f"0{bits}b") for v in row)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def filtered(lines, step, random):
    """Each line with a filter of its own."""
    above, out = bytes(len(lines[0])), b""
    for line in lines:
        kind = int(random.integers(5))
        at = lambda list, i: list[i] if i >= 0 else 0
        coded = []
        for x, value in enumerate(line):
            a, b, c = at(line, x - step), above[x], at(above, x - step)
            p = a + b - c
            nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            coded.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
        out += bytes([kind, *coded])
        above = line
    return out


def png(samples, bits, colour, random, interlaced=False, before=b"", after=b""):
    """A file of samples [height, width, channels]."""
    height, width, channels = samples.shape
    data = b""
    for left, top, across, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        part = samples[top::down, left::across]
        if part.size:
            data += filtered([packed(row.reshape(-1), bits) for row in part], max(1, channels * bits // 8), random)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    body = zlib.compress(data)
    half = len(body) // 2
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before
        + chunk(b"IDAT", body[:half]) + chunk(b"IDAT", body[half:]) + after + chunk(b"IEND", b"")
    )


def tiff(orientation, order="<", kind=3):
    """A TIFF header with a directory of two entries, the second the orientation."""
    value = struct.pack(order + {1: "Bxxx", 3: "Hxx", 4: "I"}[kind], orientation)
    entries = struct.pack(order + "HHII", 0x0100, 4, 1, 7) + struct.pack(order + "HHI", 0x0112, kind, 1) + value
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HIH", 42, 8, 2) + entries + bytes(4)


def raw_profile(data):
    return b"\nexif\n%8d\n" % len(data) + b"\n".join(
        data.hex().encode()[i : i + 72] for i in range(0, 2 * len(data), 72)
    ) + b"\n"


def itxt(text, compressed):
    return b"XML:com.adobe.xmp\0" + bytes([compressed, 0]) + b"en\0\0" + (zlib.compress(text) if compressed else text)


def kinds(random):
    """(name, file, samples by which Pillow is not followed)."""
    def samples_of(bits, colour):
        most = PALETTE_SIZE[bits] if colour == 3 else 2**bits
        return random.integers(0, most, (HEIGHT, WIDTH, CHANNELS[colour]))

    for colour, depths in DEPTHS.items():
        for bits in depths:
            palette = chunk(b"PLTE", random.bytes(3 * PALETTE_SIZE[bits])) if colour == 3 else b""
            for interlaced in (False, True):
                samples = samples_of(bits, colour)
                name = f"colour type {colour}, {bits} bits{', interlaced' if interlaced else ''}"
                high = numpy.repeat(samples >> 8, 3, 2) if (colour, bits) == (0, 16) else None
                yield name, png(samples, bits, colour, random, interlaced, palette), high, None
            if colour in (0, 2):
                clear = samples[2, 3]
                trns = chunk(b"tRNS", b"".join(struct.pack(">H", int(v)) for v in clear))
                alpha = numpy.where((samples == clear).all(2), 0, 255)
                spoilt = bits in (2, 4, 16)
                yield name + ", clear colour", png(
                    samples, bits, colour, random, True, trns
                ), high, alpha if spoilt else None
            if colour == 3:
                some = chunk(b"tRNS", random.bytes(PALETTE_SIZE[bits] - 1))
                yield name + ", clear colours", png(samples, bits, colour, random, True, palette + some), None, None
    grey, rgb = samples_of(8, 0), samples_of(8, 2)
    for orientation in range(10):
        yield f"eXIf {orientation}", png(rgb, 8, 2, random, before=chunk(b"eXIf", tiff(orientation))), None, None
    yield "eXIf, big-endian, behind the pixels", png(rgb, 8, 2, random, after=chunk(b"eXIf", tiff(8, ">"))), None, None
    yield "eXIf, grey with alpha", png(samples_of(8, 4), 8, 4, random, before=chunk(b"eXIf", tiff(6))), None, None
    yield "eXIf, orientation of 32 bits", png(grey, 8, 0, random, before=chunk(b"eXIf", tiff(5, ">", 4))), None, None
    yield "eXIf, orientation of 8 bits", png(grey, 8, 0, random, before=chunk(b"eXIf", tiff(7, "<", 1))), None, None
    profile = raw_profile(b"Exif\0\0" + tiff(6))
    yield "EXIF in tEXt", png(
        grey, 8, 0, random, before=chunk(b"tEXt", b"Raw profile type exif\0" + profile)
    ), None, None
    yield "EXIF in zTXt", png(
        grey, 8, 0, random, before=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile))
    ), None, None
    for compressed in (0, 1):
        for text in (b'<x tiff:Orientation="6"/>', b"<tiff:Orientation>3</tiff:Orientation>"):
            yield f"XMP {text.decode()}, {compressed}", png(
                grey, 8, 0, random, before=chunk(b"iTXt", itxt(text, compressed))
            ), None, None
    both = chunk(b"iTXt", itxt(b'<x tiff:Orientation="6"/>', 0)) + chunk(b"eXIf", tiff(3))
    yield "XMP and eXIf", png(grey, 8, 0, random, before=both), None, None
    yield "gamma", png(grey, 8, 0, random, before=chunk(b"gAMA", struct.pack(">I", 100000))), None, None
    yield "one pixel, interlaced", png(rgb[:1, :1], 8, 2, random, True), None, None
    yield "one column, interlaced", png(rgb[:, :1], 8, 2, random, True), None, None


def base64_of(array):
    return base64.b64encode(numpy.ascontiguousarray(array, dtype=numpy.uint8).tobytes()).decode()


def read(name, file, rgb, alpha):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
        picture = image.convert("RGB")
        clear = numpy.array(image.convert("RGBA"))[:, :, 3]
    by_specification = [key for key, value in (("rgb", rgb), ("alpha", alpha)) if value is not None]
    if rgb is not None:
        picture = Image.fromarray(rgb.astype(numpy.uint8), "RGB")
    return {
        "name": name, "file": base64.b64encode(file).decode(), "width": picture.width, "height": picture.height,
        "rgb": base64_of(numpy.array(picture)), "grey": base64_of(numpy.array(picture.convert("L"))),
        "alpha": base64_of(clear if alpha is None else alpha), "by_specification": by_specification,
    }


def sizes(random):
    for (w, h), (to_w, to_h) in (
        ((32, 32), (8, 8)), ((8, 8), (32, 32)), ((20, 13), (8, 8)), ((8, 13), (8, 8)), ((13, 8), (8, 8)),
        ((8, 8), (8, 8)), ((7, 5), (16, 3)),
        ((1, 1), (5, 4)), ((64, 48), (32, 32)), ((3, 90), (32, 2)), ((33, 31), (32, 32)),
        # On both sides of where Pillow 13 begins with the columns.
        ((20, 14), (17, 8)), ((20, 15), (17, 8)), ((9, 30), (30, 8)),
    ):
        # Blocks of black and white, where Lanczos goes beyond both ends, and noise.
        pixels = random.integers(0, 256, (h, w, 3))
        pixels[: h // 2] = 255 * (pixels[: h // 2] > 127)
        picture = Image.fromarray(pixels.astype(numpy.uint8), "RGB")
        yield {
            "width": w, "height": h, "pixels": base64_of(pixels), "to_width": to_w, "to_height": to_h,
            "resized": base64_of(numpy.array(picture.resize((to_w, to_h), Image.Resampling.LANCZOS))),
        }


def make():
    folder = store.fresh_folder("pictures")
    random = numpy.random.default_rng(SEED)
    store.save_json(
        folder / "kinds.json", {"pillow": PIL.__version__, "files": [read(*kind) for kind in kinds(random)]}
    )
    store.save_json(folder / "sizes.json", {"pillow": PIL.__version__, "pictures": list(sizes(random))})
    store.write_provenance(folder, SEED)


if __name__ == "__main__":
    make()
