"""Elementary functions to 300 bits (MPFR), for test/tensor/math.test.ts.

Writes fixtures/goldens/elementary/elementary.safetensors. For a function f it holds the arguments `f.x` (and `f.y`
for pow), the double nearest to the true value, `f.value`, and what that leaves, `f.rest`, in units of the value's
last place.

Run: pip install -r scripts/goldens/elementary/requirements.txt && python scripts/goldens/elementary/elementary.py
"""
import json
import math
import os
import random
import struct
import sys

import gmpy2
import numpy as np
import safetensors
from gmpy2 import mpfr
from safetensors.numpy import save_file

SEED = 0
HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "../../../fixtures/goldens/elementary")


def silu(x):
    return x / (1 + gmpy2.exp(-x))


def gelu(x):
    return x * gmpy2.erfc(-x / gmpy2.sqrt(mpfr(2))) / 2


def mish(x):
    return x * gmpy2.tanh(gmpy2.log1p(gmpy2.exp(x)))


FUNCTIONS = {
    "exp": gmpy2.exp,
    "expm1": gmpy2.expm1,
    "log": gmpy2.log,
    "log1p": gmpy2.log1p,
    "sin": gmpy2.sin,
    "cos": gmpy2.cos,
    "tanh": gmpy2.tanh,
    "erf": gmpy2.erf,
    "sigmoid": lambda x: 1 / (1 + gmpy2.exp(-x)),
    "silu": silu,
    "gelu": gelu,
    "mish": mish,
    "pow": lambda x, y: x**y,
}


def uniform(rng, low, high, count):
    return [rng.uniform(low, high) for _ in range(count)]


def sizes(rng, low, high, count):
    """Numbers of both signs whose sizes are spread evenly over the powers of two from 2^low to 2^high."""
    return [rng.choice((-1, 1)) * 2.0 ** rng.uniform(low, high) for _ in range(count)]


def any_double(rng, count):
    """Random bits, infinities and NaN left out."""
    found = []
    while len(found) < count:
        x = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
        if math.isfinite(x):
            found.append(x)
    return found


def nearest_to_quarter_turns(count):
    """The doubles below a million that come closest to a multiple of pi/2, where a reduction by pi/2 loses most
    digits."""
    quarter = gmpy2.const_pi() / 2
    distances = []
    for k in range(1, int(10**6 / quarter)):
        multiple = k * quarter
        distances.append((abs(mpfr(float(multiple)) - multiple), float(multiple)))
    return [x for _, x in sorted(distances)[:count]]


def arguments(name, rng, n):
    """About 2n arguments, denser where a function changes its method or is hard."""
    if name == "exp":
        return (
            uniform(rng, -745.2, 709.79, n)
            + sizes(rng, -60, 9, n // 2)
            + uniform(rng, -745.14, -708, n // 4)
            + uniform(rng, -1, 1, n // 4)
        )
    if name == "expm1":
        return (
            uniform(rng, -2, 2, n)
            + sizes(rng, -60, 9, n // 2)
            + uniform(rng, -45, 45, n // 4)
            + uniform(rng, -0.07, 0.07, n // 4)
        )
    if name == "log":
        return (
            [abs(x) for x in any_double(rng, n)]
            + uniform(rng, 0.5, 2, n // 2)
            + [1 + x for x in sizes(rng, -52, -3, n // 4)]
            + uniform(rng, 0, 1000, n // 4)
        )
    if name == "log1p":
        return uniform(rng, -0.9999, 3, n) + [x for x in sizes(rng, -60, 60, n) if x > -1]
    if name in ("sin", "cos"):
        near = [rng.randrange(-(10**6), 10**6) * math.pi / 2 for _ in range(n // 4)]
        # The double closest to a multiple of pi/2, in proportion (J.-M. Muller, Elementary Functions).
        hard = nearest_to_quarter_turns(20) + [6381956970095103.0 * 2.0**797]
        return uniform(rng, -10, 10, n) + uniform(rng, -1e6, 1e6, n // 2) + any_double(rng, n // 4) + near + hard
    if name in ("tanh", "erf"):
        return (
            uniform(rng, -7, 7, n)
            + sizes(rng, -60, 4, n)
            + uniform(rng, -0.04, 0.04, n // 4)
            + uniform(rng, -0.4, 0.4, n // 4)
        )
    return uniform(rng, -10, 10, n) + uniform(rng, -700, 700, n // 2) + sizes(rng, -60, 4, n // 2)


def pow_arguments(rng, n):
    pairs = [(rng.uniform(0.001, 200), rng.choice((1 / 7, 7.0, 0.5, -0.5, 1 / 3, 1 / 5, 5.0))) for _ in range(n)]
    pairs += [(abs(x), rng.uniform(-1.2, 1.2)) for x in any_double(rng, n // 2)]
    pairs += [(float(rng.randrange(-40, 40)), float(rng.randrange(1, 12))) for _ in range(n // 4)]
    pairs += [(1 + x, rng.choice((-1, 1)) * 2.0 ** rng.uniform(10, 50)) for x in sizes(rng, -45, -12, n)]
    return [(x, y) for x, y in pairs if x != 0 and 1e-300 < abs(mpfr(x) ** mpfr(y)) < mpfr(2) ** 1023]


def ulp(value):
    return max(math.ldexp(1.0, math.frexp(value)[1] - 53), 5e-324)


def truth(function, *arguments_):
    exact = function(*(mpfr(a) for a in arguments_))
    value = float(exact)
    if math.isinf(value):
        return value, 0.0
    return value, float((exact - mpfr(value)) / mpfr(ulp(value)))


def tables(rng, n):
    tensors = {}
    for name, function in FUNCTIONS.items():
        points = pow_arguments(rng, n) if name == "pow" else [(x,) for x in arguments(name, rng, n)]
        values = [truth(function, *point) for point in points]
        for axis, letter in enumerate("xy"[: len(points[0])]):
            tensors[f"{name}.{letter}"] = np.array([point[axis] for point in points], dtype=np.float64)
        tensors[f"{name}.value"] = np.array([value for value, _ in values], dtype=np.float64)
        tensors[f"{name}.rest"] = np.array([rest for _, rest in values], dtype=np.float32)
    return tensors


if __name__ == "__main__":
    gmpy2.get_context().precision = 300
    # More points for a measurement by hand: python elementary.py 100000 /tmp/many.safetensors
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    target = sys.argv[2] if len(sys.argv) > 2 else os.path.join(FOLDER, "elementary.safetensors")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    save_file(tables(random.Random(SEED), count), target)
    if len(sys.argv) <= 2:
        with open(os.path.join(FOLDER, "provenance.json"), "w") as file:
            versions = {
                "gmpy2": gmpy2.version(), "mpfr": gmpy2.mpfr_version(), "numpy": np.__version__,
                "safetensors": safetensors.__version__, "python": sys.version.split()[0],
            }
            json.dump(
                {"command": "python scripts/goldens/elementary/elementary.py", "seed": SEED, **versions}, file, indent=2
            )
            file.write("\n")
