"""Where the binaries are looked for."""

import os
from pathlib import Path

import pytest

from pocketkube.controlplane import BINARIES, ControlPlane, ControlPlaneMissing, default_folders, find_binaries


def programs(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


def test_the_first_folder_that_has_a_binary_wins(tmp_path: Path) -> None:
    first, second = programs(tmp_path / "first", "etcd"), programs(tmp_path / "second", *BINARIES)
    assert find_binaries([first, second]) == {
        "etcd": first / "etcd",
        "kube-apiserver": second / "kube-apiserver",
        "kube-controller-manager": second / "kube-controller-manager",
    }


def test_a_missing_binary_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    folder = programs(tmp_path / "some", "etcd")
    with pytest.raises(ControlPlaneMissing, match=r"kube-apiserver .*make controlplane"):
        ControlPlane([folder])


def test_a_file_that_cannot_run_is_no_binary(tmp_path: Path) -> None:
    folder = programs(tmp_path / "some", *BINARIES)
    (folder / "etcd").chmod(0o644)
    with pytest.raises(ControlPlaneMissing, match="etcd"):
        find_binaries([folder])


def test_the_assets_come_first_and_newer_builds_before_older(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    old = programs(cache / "trueup" / "controlplane" / "kubernetes-1.99.0-etcd-3.0.0")
    new = programs(cache / "trueup" / "controlplane" / "kubernetes-1.100.0-etcd-3.0.0")
    os.utime(old, (1, 1))
    environment = {"KUBEBUILDER_ASSETS": "/assets", "XDG_CACHE_HOME": str(cache)}
    assert default_folders(environment, Path("/home/nobody")) == [Path("/assets"), new, old]


def test_a_relative_cache_folder_is_ignored(tmp_path: Path) -> None:
    build = programs(tmp_path / ".cache" / "trueup" / "controlplane" / "kubernetes-1.37.2-etcd-3.7.3")
    assert default_folders({"XDG_CACHE_HOME": "cache"}, tmp_path) == [build]
