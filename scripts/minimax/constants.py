"""The constants of the double precision functions in src/tensor/math.

Run: pip install mpmath==1.3.0 && python scripts/minimax/constants.py
"""
import mpmath as mp

mp.mp.prec = 2000


def leading(x, bits):
    """x rounded to so many significant bits."""
    unit = mp.mpf(2) ** (mp.floor(mp.log(x, 2)) + 1 - bits)
    return mp.nint(x / unit) * unit


def parts(name, x, *bits):
    """x as a sum of doubles, of which all but the last have so many bits."""
    for i, b in enumerate(bits):
        part = leading(x, b)
        print(f"{name}[{i}] = {float(part)!r}")
        x -= part
    print(f"{name}[{len(bits)}] = {float(x)!r}")


parts("ln 2 (exp.ts)", mp.log(2), 32)
parts("ln 2 (log.ts, expWide.ts)", mp.log(2), 42)
parts("pi / 2 (reducePi.ts)", mp.pi / 2, 33, 33)
print("floor(2/pi · 2^1200) =", hex(int(mp.floor(2 / mp.pi * mp.mpf(2) ** 1200))))
print("floor(pi/2 · 2^200) =", hex(int(mp.floor(mp.pi / 2 * mp.mpf(2) ** 200))))
print("2/sqrt(pi) - 1 =", repr(float(2 / mp.sqrt(mp.pi) - 1)))

print("\nerf at c = 1/2, 3/4, ... 6: [erf(c) as a double, the rest, 2/sqrt(pi) exp(-c²)]")
for j in range(2, 25):
    c = mp.mpf(j) / 4
    high = mp.mpf(float(mp.erf(c)))
    slope = 2 / mp.sqrt(mp.pi) * mp.exp(-c * c)
    print(f"  [{float(high)!r}, {float(mp.erf(c) - high)!r}, {float(slope)!r}],")
