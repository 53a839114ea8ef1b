"""A backend in another language, in a process of its own, which is asked over its standard input and answers on its
standard output. A message is two lengths (uint32, little-endian), a header as JSON and the numbers of its tensors in
float32 (or the bytes of a model), one after another.
"""
import json
import os
import pathlib
import struct
import subprocess

import numpy as np

here = pathlib.Path(__file__).resolve().parent

OPERATIONS = ("softmax", "linear", "conv2d", "groupNorm", "layerNorm", "activation", "attention", "averagePool2x")


class Calls:
    def __init__(self, command, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
        self.versions = self._ask({"do": "versions"})[0]["versions"]

    @classmethod
    def node(cls, backend):
        """Its packages are in the folder that $PACKAGES names."""
        worker = here / "node" / "worker.mjs"
        return cls(["node", worker, backend], cwd=os.environ["PACKAGES"])

    @classmethod
    def rust(cls, backend):
        """The program that $PROGRAM names."""
        return cls([os.environ["PROGRAM"], backend])

    def operation(self, name, *given):
        tensors = [np.ascontiguousarray(x, np.float32) for x in given if isinstance(x, np.ndarray)]
        arguments = [x for x in given if not isinstance(x, np.ndarray)]
        return self._ask({"do": name, "arguments": arguments}, tensors)[1][0]

    def operations(self, names):
        return {name: lambda *given, name=name: self.operation(name, *given) for name in names}

    def model(self, model, inputs):
        tensors = [np.ascontiguousarray(x, np.float32) for x in inputs.values()]
        return self._ask({"do": "model", "names": list(inputs), "bytes": len(model)}, tensors, model)[1]

    def _ask(self, header, tensors=(), more=b""):
        text = json.dumps({**header, "shapes": [x.shape for x in tensors]}).encode()
        numbers = b"".join(x.tobytes() for x in tensors) + more
        self.process.stdin.write(struct.pack("<II", len(text), len(numbers)) + text + numbers)
        self.process.stdin.flush()
        header, data = (self.process.stdout.read(length) for length in self._lengths())
        header = json.loads(header)
        if "error" in header:
            raise RuntimeError(header["error"])
        found, at = [], 0
        for shape in header.get("shapes", []):
            count = int(np.prod(shape))
            found.append(np.frombuffer(data, np.float32, count, 4 * at).reshape(shape))
            at += count
        return header, found

    def _lengths(self):
        raw = self.process.stdout.read(8)
        if len(raw) < 8:
            raise RuntimeError(f"the process ended with status {self.process.wait()}")
        return struct.unpack("<II", raw)
