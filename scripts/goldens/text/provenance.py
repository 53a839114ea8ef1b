"""The provenance of what these scripts make."""
import transformers

import store


def write_provenance(folder, seed, **versions):
    store.write_provenance(
        folder, seed, command="python scripts/goldens/text/make.py", transformers=transformers.__version__, **versions
    )
