"""Runs every backend of requirements.json in an environment of its own, with these versions, and writes the table:
fixtures/oracle/conformance/operations.json and .md. Needs the network; one that cannot be installed or run is said
and left as it was.

    npm run -s pag -- export --all KIT && python3 scripts/oracle/backends/operations/make.py KIT [BACKEND ...]
"""
import json
import pathlib
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
table = here.parents[3] / "fixtures" / "oracle" / "conformance" / "operations.json"
kit, *chosen = sys.argv[1:]
requirements = json.loads((here / "requirements.json").read_text())
notes = json.loads((here / "notes.json").read_text())


def computed(backend):
    with tempfile.TemporaryDirectory() as folder:
        run = lambda *command, **options: subprocess.run(command, check=True, **options)
        try:
            run(sys.executable, "-m", "venv", folder)
            run(f"{folder}/bin/pip", "install", "-q", "numpy==2.3.5", *requirements[backend])
            found = run(f"{folder}/bin/python", "-B", here / "run.py", backend, kit, stdout=subprocess.PIPE, text=True)
        except subprocess.CalledProcessError as error:
            print(f"{backend}: {error}", file=sys.stderr)
            return None
    return json.loads(found.stdout.splitlines()[-1])


def verdict(case):
    off, failed, probes = case["off"], case["failed"], case["probes"]
    said = [f"{len(off)} of {probes} off: " + ", ".join(list(off)[:3]) + (", …" if len(off) > 3 else "")] if off else []
    said += [f"{len(failed)} of {probes} not computed: {next(iter(failed.values()))}"] if failed else []
    return "; ".join(said) or f"all {probes} within budget"


rows = json.loads(table.read_text()) if table.exists() else {}
for backend in chosen or requirements:
    row = computed(backend)
    if row:
        rows[backend] = row
table.write_text(json.dumps(rows, indent=1) + "\n")
text = [
    "# Operations of backends, as they come",
    "",
    "Each backend computes the cases `operations/…` in an environment of its own "
    "(`scripts/oracle/backends/operations`), on a CPU, and is held",
    "to the budgets of float32. `operations.json` has the share of its budget of every probe that is off.",
    "",
    "| backend | case | verdict | why |",
    "| --- | --- | --- | --- |",
]
for backend, row in rows.items():
    version = ", ".join(f"{name} {number}" for name, number in row["versions"].items())
    for case, found in row["cases"].items():
        why = notes.get(backend, {}).get(case, "")
        text.append(f"| {backend} ({version}) | {case} | {verdict(found)} | {why} |")
(table.parent / "operations.md").write_text("\n".join(text) + "\n")
