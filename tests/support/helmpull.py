#!/usr/bin/env python3
"""``helm pull`` of many charts by Helm's library, in one process: which archive it takes for each.

Standard input: JSON list of [repository, name, version]. Standard output: of each the file name, empty on an error.
"""

import json
import sys
import tempfile
from pathlib import Path

import helm_python


def pulled(repository: str, name: str, version: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            helm_python.pull(name, repo_url=repository, version=version or None, destination=folder)
        except helm_python.HelmError:
            return ""
        return next(path.name for path in Path(folder).iterdir() if path.suffix == ".tgz")


if __name__ == "__main__":
    print(json.dumps([pulled(*each) for each in json.load(sys.stdin)]))
