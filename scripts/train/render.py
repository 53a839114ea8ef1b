"""Renders the capital letters A-Z of every usable free font face: white on black, 32 x 32, uint8.

    python render.py glyphs.npz [--fonts /usr/share/fonts /usr/share/texmf ...]

The fonts are those of the Debian packages in fonts.txt. The result holds x [n, 32, 32], y (0-25), face (its number)
and names (each face's file). Faces with face % 10 == 0 are held out for evaluation by the other scripts.
"""
import argparse
import pathlib
import re

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIZE = 32            # pixels of a picture
HEIGHT = 24          # the median height of a face's letters
WIDEST = 28          # the most that its widest letter may take
DRAWN = 256          # pixels at which a glyph is drawn before it is reduced
NOT_LETTERS = re.compile(
    r"symbol|math|icon|awesome|ornament|dingbat|emoji|music|pict|braille|chess|arrow", re.IGNORECASE
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--fonts", nargs="+", type=pathlib.Path,
                        default=[pathlib.Path("/usr/share/fonts"), pathlib.Path("/usr/share/texlive")])
    args = parser.parse_args()

    files = sorted({path.resolve() for folder in args.fonts for path in folder.rglob("*")
                    if path.suffix.lower() in (".otf", ".ttf") and not NOT_LETTERS.search(path.name)})
    pictures, names, seen = [], [], set()
    for number, path in enumerate(files):
        face = render_face(path)
        if face is not None and (key := likeness(face)) not in seen:
            seen.add(key)
            pictures.append(face)
            names.append(str(path).lstrip("/"))
        print(f"\r{number + 1}/{len(files)} files, {len(pictures)} faces", end="", flush=True)
    print()
    if not pictures:
        raise SystemExit("no usable font face found; install the packages of fonts.txt")

    count = len(pictures)
    np.savez_compressed(args.out, x=np.concatenate(pictures), y=np.tile(np.arange(26), count),
                        face=np.repeat(np.arange(count), 26), names=np.array(names))


def render_face(path: pathlib.Path) -> np.ndarray | None:
    """The 26 letters of a face, [26, 32, 32]; None when it lacks letters, draws two alike, or is too pale or too
    heavy."""
    try:
        font = ImageFont.truetype(str(path), DRAWN)
        drawn = [draw(font, letter) for letter in LETTERS]
    except (OSError, ValueError):
        return None
    if any(glyph is None for glyph in drawn) or len({glyph.tobytes() for glyph in drawn}) < 26:
        return None
    scale = min(HEIGHT / np.median([glyph.height for glyph in drawn]), WIDEST / max(glyph.width for glyph in drawn))
    face = np.stack([place(glyph, scale) for glyph in drawn])
    return face if 8 <= face.mean() <= 140 else None


def draw(font: ImageFont.FreeTypeFont, letter: str) -> Image.Image | None:
    canvas = Image.new("L", (4 * DRAWN, 4 * DRAWN))
    ImageDraw.Draw(canvas).text((DRAWN, DRAWN), letter, fill=255, font=font)
    box = canvas.getbbox()
    return canvas.crop(box) if box else None


def place(glyph: Image.Image, scale: float) -> np.ndarray:
    """The glyph reduced by area and centred in 32 x 32."""
    width = min(SIZE, max(1, round(glyph.width * scale)))
    height = min(SIZE, max(1, round(glyph.height * scale)))
    picture = Image.new("L", (SIZE, SIZE))
    picture.paste(glyph.resize((width, height), Image.Resampling.BOX), ((SIZE - width) // 2, (SIZE - height) // 2))
    return np.asarray(picture)


def likeness(face: np.ndarray) -> bytes:
    """Equal for near-duplicates: the letters at half the size, in four levels."""
    halved = face.reshape(26, SIZE // 2, 2, SIZE // 2, 2).mean(axis=(2, 4))
    return (halved // 64).astype(np.uint8).tobytes()


if __name__ == "__main__":
    main()
