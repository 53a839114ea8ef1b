"""The constants of expf (src/tensor/math/expf.ts).

exp(x) = 2^n · exp(r) with x = n·ln 2 + r and |r| <= ln 2 / 2, and exp(r) = 1 + r + r²·q(r).
q is the Chebyshev interpolant, of degree 5, of (exp(r) - 1 - r) / r² (within a few percent of minimax), its
coefficients rounded to float32.
ln 2 = LN2_HIGH + LN2_LOW, where LN2_HIGH has 15 significant bits, so that n·LN2_HIGH is exact for |n| < 512.

Run: pip install mpmath==1.3.0 && python scripts/minimax/expf.py
"""
import struct

import mpmath as mp

mp.mp.prec = 200


def f32(x):
    return struct.unpack("<f", struct.pack("<f", float(x)))[0]


def q(r):
    return mp.mpf(1) / 2 if r == 0 else (mp.exp(r) - 1 - r) / r**2


bound = mp.log(2) / 2 * (1 + mp.mpf(2) ** -10)
coefficients = mp.chebyfit(q, [-bound, bound], 6)  # highest power first
print("POLYNOMIAL (highest power first):")
for c in coefficients:
    print("  ", repr(f32(c)))

high = mp.floor(mp.log(2) * 2**15 + mp.mpf(1) / 2) / 2**15
print("LOG2_E  ", repr(f32(1 / mp.log(2))))
print("LN2_HIGH", repr(f32(high)))
print("LN2_LOW ", repr(f32(mp.log(2) - high)))

rounded = [mp.mpf(f32(c)) for c in coefficients]
worst = max(
    abs(1 + r + r**2 * mp.polyval(rounded, r) - mp.exp(r)) / mp.exp(r)
    for r in mp.linspace(-bound, bound, 2001)
)
print("worst relative error of the polynomial, in units of 2^-24:", mp.nstr(worst * 2**24, 4))
