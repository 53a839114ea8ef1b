"""Compares two folders of golden data, value by value: after a new release, what changed?

Run: python scripts/goldens/compare.py BEFORE AFTER, two copies of fixtures/goldens, made on one machine with one
PyTorch (of another machine the last bits differ). A line for each file that differs; of a safetensors file, how many
values, and by how much at most of the largest value.
"""
import sys
from pathlib import Path

from safetensors import safe_open


def read(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def differences(before, after):
    """What differs between two safetensors files, in words."""
    (old, old_metadata), (new, new_metadata) = read(before), read(after)
    yield from (f"tensor {name} is in one only" for name in sorted(old.keys() ^ new.keys()))
    if old_metadata != new_metadata:
        yield "metadata"
    for name in sorted(old.keys() & new.keys()):
        if old[name].shape != new[name].shape or old[name].dtype != new[name].dtype:
            yield f"{name}: shape or dtype"
        elif not old[name].double().nan_to_num(7e300).equal(new[name].double().nan_to_num(7e300)):
            distance = (old[name].double() - new[name].double()).abs().max() / old[name].double().abs().max()
            yield f"{name}: {int((old[name] != new[name]).sum())} of {new[name].numel()} values, by {distance:.1e}"


def main(before, after):
    names = sorted({
        str(path.relative_to(root)) for root in (before, after) for path in root.rglob("*") if path.is_file()
    })
    same = 0
    for name in names:
        one, other = before / name, after / name
        if not (one.exists() and other.exists()):
            print(f"{name}: in one folder only")
        elif one.read_bytes() == other.read_bytes():
            same += 1
        elif name.endswith(".safetensors"):
            print(f"{name}: {'; '.join(differences(one, other)) or 'the same values'}")
        else:
            print(f"{name}: text")
    print(f"{same} of {len(names)} files are the same, byte by byte")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
