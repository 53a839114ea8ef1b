"""Runs every backend of requirements.json in an environment of its own, with these versions, and writes the table:
fixtures/oracle/conformance/operations.json and .md. Needs the network, and node, cargo and clang (tinygrad) for those
who need them; one that cannot be installed or run is said and left as it was.

    npm run -s pag -- export --all KIT && python3 scripts/oracle/backends/operations/make.py KIT [BACKEND ...]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from table import text

here = pathlib.Path(__file__).resolve().parent
table = here.parents[3] / "fixtures" / "oracle" / "conformance" / "operations.json"


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def installed(needs, folder):
    """What the process of a backend is told by its environment."""
    run(sys.executable, "-m", "venv", folder)
    run(f"{folder}/bin/pip", "install", "-q", "numpy==2.3.5", *needs.get("pip", []))
    found = dict(os.environ)
    if "npm" in needs:
        found["PACKAGES"] = f"{folder}/node"
        os.mkdir(found["PACKAGES"])
        run("npm", "install", "--silent", "--ignore-scripts", "--prefix", found["PACKAGES"], *needs["npm"])
    if "cargo" in needs:
        target = os.environ.get("CARGO_TARGET_DIR", f"{folder}/target")
        run("cargo", "build", "-q", "--locked", "--target-dir", target, cwd=here / "rust")
        found["PROGRAM"] = f"{target}/debug/pag-backends"
    return found


def computed(backend, needs, kit):
    with tempfile.TemporaryDirectory() as folder:
        try:
            environment = installed(needs, folder)
            command = [f"{folder}/bin/python", "-B", here / "run.py", backend, kit]
            found = run(*command, env=environment, stdout=subprocess.PIPE, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{backend}: {error}", file=sys.stderr)
            return None
    return json.loads(found.stdout.splitlines()[-1])


def main(kit, *chosen):
    requirements = json.loads((here / "requirements.json").read_text())
    rows = json.loads(table.read_text()) if table.exists() else {}
    for backend in chosen or requirements:
        rows[backend] = computed(backend, requirements[backend], kit) or rows.get(backend)
    rows = {backend: rows[backend] for backend in requirements if rows.get(backend)}
    table.write_text(json.dumps(rows, indent=1) + "\n")
    (table.parent / "operations.md").write_text(text(rows, json.loads((here / "notes.json").read_text())))


if __name__ == "__main__":
    main(*sys.argv[1:])
