"""The data of the recipes in fixtures/training, from the letters that render.py has drawn.

letters.npz: the capitals of the upright faces of some sans families, halved to 16 x 16 by the mean of four pixels;
faces.txt has the file of each face, in their order.
typeface.npz: the 26 capitals of one face, 32 x 32, as the letters model knows letters.

Run: python small_letters.py glyphs.npz ../../fixtures/training
"""
import re
import sys
from pathlib import Path

import numpy

FAMILIES = (
    r"/(DejaVuSans|Lato|OpenSans|Roboto|Inter|Quicksand|Comfortaa|Cabin|LiberationSans|Carlito|FiraSans|FreeSans|"
    r"Gillius|Universalis)"
)
SLANTED = r"Italic|Oblique|It\.|Display|Mono"
TYPEFACE = "Comfortaa-Bold.ttf"

if __name__ == "__main__":
    source, out = numpy.load(sys.argv[1], allow_pickle=False), Path(sys.argv[2])
    images, labels, face = source["x"], source["y"].astype(numpy.uint8), source["face"]
    names = [str(name) for name in source["names"]]
    chosen = [i for i, name in enumerate(names) if re.search(FAMILIES, name) and not re.search(SLANTED, name)]
    rows = numpy.isin(face, chosen)
    small = images[rows].reshape(-1, 16, 2, 16, 2).mean((2, 4)).round().astype(numpy.uint8)
    numpy.savez_compressed(out / "letters.npz", images=small, labels=labels[rows])
    (out / "faces.txt").write_text("".join(f"{Path(names[i]).name}\n" for i in chosen))
    one = face == [name.endswith(TYPEFACE) for name in names].index(True)
    numpy.savez_compressed(out / "typeface.npz", images=images[one], labels=labels[one])
    print(len(chosen), "faces,", rows.sum(), "letters;", one.sum(), "of", TYPEFACE)
