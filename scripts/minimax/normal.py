"""The constants of GELU near 0 (src/kernels/simd/tiles/gelu.ts).

Φ(x) = 1/2 + x·p(x² - 9/2) for |x| <= 3. p is the Chebyshev interpolant of degree 14 (within a few percent of minimax),
its coefficients rounded to doubles; evaluated in doubles, Φ errs by the bound that is printed.

Run: pip install mpmath==1.3.0 && python scripts/minimax/normal.py
"""
import mpmath as mp

mp.mp.prec = 400
MIDDLE = mp.mpf(9) / 2
DEGREE = 14


def p(w):
    x = mp.sqrt(w + MIDDLE)
    return 1 / mp.sqrt(2 * mp.pi) if x == 0 else (mp.ncdf(x) - mp.mpf(1) / 2) / x


coefficients = [float(c) for c in mp.chebyfit(p, [-MIDDLE, MIDDLE], DEGREE + 1)]  # highest power first
print("POLYNOMIAL (highest power first):")
for c in coefficients:
    print(f"  {c!r},")

worst = 0
for k in range(-3000, 3001):
    x = k / 1000
    total = 0.0
    for c in coefficients:
        total = total * (x * x - 4.5) + c
    worst = max(worst, abs(mp.mpf(0.5 + x * total) - mp.ncdf(mp.mpf(x))))
print("largest error: 2 to the power of", mp.nstr(mp.log(worst, 2), 4))
