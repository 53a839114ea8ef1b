"""The letters of the faces that are not held out, of those that render.py has drawn: nine of ten faces.

With them are trained the noise-aware classifier in fixtures/letters/noise-classifier, and the model of the tables of
restored letters, which must not have seen the letters that it restores.

Run: python seen_letters.py glyphs.npz seen.npz
"""
import sys

import numpy

if __name__ == "__main__":
    source = numpy.load(sys.argv[1], allow_pickle=False)
    seen = source["face"] % 10 != 0
    numpy.savez_compressed(sys.argv[2], x=source["x"][seen], y=source["y"][seen].astype(numpy.uint8))
    print(seen.sum(), "letters of", len(numpy.unique(source["face"][seen])), "faces")
