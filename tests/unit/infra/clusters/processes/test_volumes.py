"""Claims that wait get a volume, released volumes go with their data, and everything else is left alone."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from infra.clusters.processes import volumes
from infra.clusters.processes.volumes import PROVISIONER

NODE = "slipway-local"
CLAIM: dict[str, Any] = {
    "metadata": {
        "name": "data",
        "namespace": "mlflow",
        "uid": "f973",
        "annotations": {
            "volume.kubernetes.io/storage-provisioner": PROVISIONER,
            "volume.kubernetes.io/selected-node": NODE,
        },
    },
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "standard",
    },
    "status": {"phase": "Pending"},
}
ALL_VOLUMES, ALL_CLAIMS = "/api/v1/persistentvolumes", "/api/v1/persistentvolumeclaims"


class FakeApi(volumes.Api):
    """The two collections, and what was asked of them."""

    def __init__(self, claims: list[dict[str, Any]], made: list[dict[str, Any]]) -> None:
        self.collections = {ALL_CLAIMS: claims, ALL_VOLUMES: made}
        self.deleted: list[str] = []

    def list(self, path: str) -> list[dict[str, Any]]:
        return self.collections[path]

    def create(self, path: str, body: dict[str, Any]) -> None:
        self.collections[path] = [*self.collections[path], {**body, "status": {"phase": "Available"}}]

    def delete(self, path: str) -> None:
        self.deleted.append(path)


def test_a_claim_that_waits_gets_a_folder_and_a_volume(tmp_path: Path) -> None:
    api = FakeApi([CLAIM], [])
    volumes.look(api, NODE, tmp_path)
    (volume,) = api.collections[ALL_VOLUMES]
    assert volume["spec"]["claimRef"]["name"] == "data"
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}
    assert volume["spec"]["local"]["path"] == str(tmp_path / "pvc-f973")
    assert (tmp_path / "pvc-f973").stat().st_mode & 0o777 == 0o777


def test_a_second_look_makes_no_second_volume(tmp_path: Path) -> None:
    api = FakeApi([CLAIM], [])
    for _ in range(2):
        volumes.look(api, NODE, tmp_path)
    assert len(api.collections[ALL_VOLUMES]) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("metadata", "annotations", "volume.kubernetes.io/storage-provisioner"), "other"),
        (("metadata", "annotations", "volume.kubernetes.io/selected-node"), "another-node"),
        (("metadata", "annotations"), {}),
        (("metadata", "deletionTimestamp"), "2026-01-01T00:00:00Z"),
        (("status", "phase"), "Bound"),
    ],
)
def test_other_claims_are_left_alone(tmp_path: Path, path: tuple[str, ...], value: Any) -> None:
    api = FakeApi([_changed(CLAIM, path, value)], [])
    volumes.look(api, NODE, tmp_path)
    assert api.collections[ALL_VOLUMES] == []
    assert list(tmp_path.iterdir()) == []


def test_a_released_volume_goes_with_its_data(tmp_path: Path) -> None:
    api = FakeApi([], [_released(tmp_path)])
    (tmp_path / "pvc-f973").mkdir()
    (tmp_path / "pvc-f973/file").touch()
    volumes.look(api, NODE, tmp_path)
    assert api.deleted == [f"{ALL_VOLUMES}/pvc-f973"]
    assert not (tmp_path / "pvc-f973").exists()


def test_a_folder_that_has_gone_already_keeps_no_volume(tmp_path: Path) -> None:
    api = FakeApi([], [_released(tmp_path)])
    volumes.look(api, NODE, tmp_path)
    assert api.deleted == [f"{ALL_VOLUMES}/pvc-f973"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("status", "phase"), "Bound"),
        (("spec", "persistentVolumeReclaimPolicy"), "Retain"),
        (("metadata", "annotations"), {"pv.kubernetes.io/provisioned-by": "other"}),
        (("metadata", "annotations"), {}),
    ],
)
def test_data_that_somebody_may_want_stay(tmp_path: Path, path: tuple[str, ...], value: Any) -> None:
    api = FakeApi([], [_changed(_released(tmp_path), path, value)])
    (tmp_path / "pvc-f973").mkdir()
    volumes.look(api, NODE, tmp_path)
    assert api.deleted == []
    assert (tmp_path / "pvc-f973").exists()


def _released(folder: Path) -> dict[str, Any]:
    return {**volumes.volume_for(CLAIM, NODE, folder), "status": {"phase": "Released"}}


def _changed(record: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    changed = deepcopy(record)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed
