"""Where golden data go: folders under fixtures/goldens, each with a provenance.json."""
import hashlib
import json
import shutil
import sys
from pathlib import Path

import diffusers
import numpy
import safetensors
import torch
from safetensors.torch import save_file

GOLDENS = Path(__file__).resolve().parents[2] / "fixtures" / "goldens"


def fresh_folder(name):
    """The empty folder fixtures/goldens/<name>."""
    folder = GOLDENS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def save(path, tensors, **metadata):
    """Writes a safetensors file; the metadata are JSON."""
    tensors = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={key: json.dumps(value) for key, value in metadata.items()})


def save_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def both(name, single, double):
    """A result in float32 and in float64, under the names that the tests look for."""
    assert single.dtype == torch.float32 and double.dtype == torch.float64 and single.shape == double.shape, name
    return {f"{name}/f32": single, f"{name}/f64": double}


def versions_here():
    return {
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "diffusers": diffusers.__version__,
    }


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def add_to_provenance(folder, names, command):
    """Says of files that were made later how, and where, they were."""
    path = folder / "provenance.json"
    said = json.loads(path.read_text())
    others = [part for part in said.get("later", []) if part["command"] != command]
    said["later"] = [*others, {"command": command, "files": names, **versions_here()}]
    said["sha256"] = dict(sorted((said["sha256"] | {name: sha256(folder / name) for name in names}).items()))
    save_json(path, said)


def write_provenance(folder, seed, command="python scripts/goldens/make.py", **versions):
    """Writes provenance.json; `versions`: of further packages."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    save_json(folder / "provenance.json", {
        "command": command,
        "seed": seed,
        "threads": 1,
        **versions_here(),
        **versions,
        "numpy": numpy.__version__,
        "safetensors": safetensors.__version__,
        "sha256": {str(path.relative_to(folder)): sha256(path) for path in files},
    })
