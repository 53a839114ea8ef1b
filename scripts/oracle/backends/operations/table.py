"""The table of backends as text: a row for each backend, a column for each case, and below it what is off, and why."""

HEAD = """# Operations of backends, and a whole model, as they come

Each backend computes the cases `operations/…` and `unets/tiny` with PAG in an environment of its own
(`scripts/oracle/backends/operations`), on a CPU (WebGL and WebGPU by SwiftShader in headless Chromium), and is held to
the budgets of float32. The UNet is one graph where the backend takes a whole one (`how` in `operations.json`), and is
computed an operation at a time elsewhere; the maps of attention then are its own business.
`operations.json` has the share of its budget of every probe that is off. A number is how many probes are off, — that
there is no such operation.
"""


def verdict(case):
    off, failed, probes = case["off"], case["failed"], case["probes"]
    said = [f"{len(off)} of {probes} off: " + ", ".join(list(off)[:3]) + (", …" if len(off) > 3 else "")] if off else []
    said += [f"{len(failed)} of {probes} not computed: {next(iter(failed.values()))}"] if failed else []
    return "; ".join(said)


def short(case):
    if case is None:
        return "—"
    said = [str(len(case["off"]))] if case["off"] else []
    said += [f"{len(case['failed'])} refused"] if case["failed"] else []
    return ", ".join(said) or "✓"


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def text(rows, notes):
    cases = sorted({case for found in rows.values() for case in found["cases"]})
    title = lambda found: ", ".join(f"{name} {number}" for name, number in found["versions"].items())
    lines = [HEAD, row("backend", "version", *cases), row(*["---"] * (len(cases) + 2))]
    for backend, found in rows.items():
        lines.append(row(backend, title(found), *(short(found["cases"].get(case)) for case in cases)))
    lines += ["", "## What is off, and why", "", row("backend", "case", "verdict", "why"), row(*["---"] * 4)]
    for backend, found in rows.items():
        for case, result in found["cases"].items():
            if verdict(result):
                lines.append(row(backend, case, verdict(result), notes["why"].get(backend, {}).get(case, "")))
    return "\n".join([*lines, "", "## Left out", "", *(f"- {line}" for line in notes["left out"])]) + "\n"
