#!/usr/bin/env python3
"""``helm version``, ``pull`` and ``template`` as kustomize starts them, on Helm's library alone: another way to the
outcome.

Whole numbers keep their digits where a chart quotes them only up to a million, for the library takes JSON.
"""

import argparse
import json
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("verb")
    parser.add_argument("name", nargs="?")
    parser.add_argument("chart", nargs="?")
    parser.add_argument("-f", dest="values", action="append", default=[])
    for flag in ("--namespace", "--kube-version", "--untardir", "--repo", "--version"):
        parser.add_argument(flag, default="")
    parser.add_argument("--api-versions", action="append", default=[])
    for switch in ("--short", "--include-crds", "--no-hooks", "--skip-tests", "--untar"):
        parser.add_argument(switch, action="store_true")
    asked = parser.parse_intermixed_args()
    if asked.verb == "version":
        print("v4.2.3")
        return
    import helm_python
    import yaml
    from helm_python import Chart, _native

    if asked.verb == "pull":
        version, repository = asked.version or None, asked.repo or None
        helm_python.pull(asked.name, repo_url=repository, version=version, untar=True, untar_dir=asked.untardir)
        return

    values: dict[str, object] = {}
    for file in asked.values:
        merge(values, helm_python.values_from_yaml(Path(file).read_text()))
    options = {"name": asked.name, "namespace": asked.namespace or "default", "api_versions": asked.api_versions}
    if asked.kube_version:
        options["kube_version"] = asked.kube_version
    with Chart.load(asked.chart) as chart:
        texts = json.loads(_native.call_string("helm_render", chart._raw(), json.dumps(values), json.dumps(options)))
        made = [crd["data"] for crd in chart.crds] if asked.include_crds else []
    made += [text for name, text in sorted(texts.items()) if not name.rpartition("/")[2].startswith(("_", "NOTES"))]
    for text in made:
        for document in yaml.safe_load_all(text):
            hook = ((document or {}).get("metadata", {}).get("annotations") or {}).get("helm.sh/hook", "")
            if document and not (asked.no_hooks and hook) and not (asked.skip_tests and "test" in hook):
                sys.stdout.write(f"---\n{yaml.safe_dump(document)}")


def merge(target: dict[str, object], more: dict[str, object]) -> None:
    for key, value in more.items():
        known = target.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        else:
            target[key] = value


if __name__ == "__main__":
    main()
