"""The provisioner of the default StorageClass: each claim gets a folder in the stack's state, as a `local` volume.

Local volumes, unlike those of the built-in hostPath provisioner, are given to the pod's `fsGroup`, without which a
pod that is not root cannot write. The contract is Kubernetes's own for external provisioners: a claim that waits names
the provisioner, and the node once a pod needs it, in annotations; a volume names the claim that it is for.
"""

from __future__ import annotations

import http.client
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from infra.clusters.processes.components import PKI
from infra.clusters.processes.layout import INSIDE
from infra.clusters.processes.readiness import TIMEOUT, client_context

PROVISIONER = "slipway.example/folder"
FOLDERS = INSIDE / "volumes"
INTERVAL = 1.0
"""Seconds between two looks; a claim waits half of it on average."""
Object = dict[str, Any]


class Api:
    """The few requests that it makes, as the user `slipway:volume-provisioner`."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port

    def list(self, path: str) -> list[Object]:
        """The items of a collection. Raises OSError when the API server does not answer with it."""
        items: list[Object] = self._ask("GET", path)["items"]
        return items

    def create(self, path: str, body: Object) -> None:
        self._ask("POST", path, body)

    def delete(self, path: str) -> None:
        self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: Object | None = None) -> Object:
        context = client_context(PKI, "volume-provisioner")
        connection = http.client.HTTPSConnection(*self._address, timeout=TIMEOUT, context=context)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            # 404 and 409: somebody was faster; the next look shows what is left to do.
            if answer.status >= 400 and answer.status not in (404, 409):
                raise OSError(f"{method} {path}: {answer.status} {content[:300]!r}")
            found: Object = json.loads(content)
            return found
        except http.client.HTTPException as error:
            raise OSError(repr(error)) from error
        finally:
            connection.close()


def serve(host: str, port: int, node: str) -> None:
    """Look for ever. An API server that does not answer is asked again."""
    api = Api(host, port)
    while True:
        try:
            look(api, node, FOLDERS)
        except OSError as error:
            print(error, file=sys.stderr, flush=True)  # noqa: T201
        time.sleep(INTERVAL)


def look(api: Api, node: str, folders: Path) -> None:
    """Make a volume for each claim that waits for one, and remove each volume whose claim has gone."""
    volumes = api.list("/api/v1/persistentvolumes")
    names = {volume["metadata"]["name"] for volume in volumes}
    for claim in api.list("/api/v1/persistentvolumeclaims"):
        if waits(claim, node) and volume_name(claim) not in names:
            make_folder(folders / volume_name(claim))
            api.create("/api/v1/persistentvolumes", volume_for(claim, node, folders))
    for volume in volumes:
        if is_released(volume):
            name = volume["metadata"]["name"]
            shutil.rmtree(folders / name, ignore_errors=True)
            api.delete(f"/api/v1/persistentvolumes/{name}")


def waits(claim: Object, node: str) -> bool:
    """Whether the claim is for us, and a pod on our node needs it."""
    if claim["status"].get("phase") != "Pending" or "deletionTimestamp" in claim["metadata"]:
        return False
    annotations = claim["metadata"].get("annotations", {})
    keys = ("volume.kubernetes.io/storage-provisioner", "volume.kubernetes.io/selected-node")
    return tuple(annotations.get(key) for key in keys) == (PROVISIONER, node)


def is_released(volume: Object) -> bool:
    """Whether the volume is ours, its claim has gone, and its data may go too."""
    provisioner = volume["metadata"].get("annotations", {}).get("pv.kubernetes.io/provisioned-by")
    policy, phase = volume["spec"].get("persistentVolumeReclaimPolicy"), volume["status"].get("phase")
    return (provisioner, policy, phase) == (PROVISIONER, "Delete", "Released")


def volume_name(claim: Object) -> str:
    """The same for every look at the same claim."""
    return f"pvc-{claim['metadata']['uid']}"


def make_folder(folder: Path) -> None:
    """Open to all, as a fresh volume is on other provisioners of folders: the pod's user is not known here."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)


def volume_for(claim: Object, node: str, folders: Path) -> Object:
    """The PersistentVolume, bound to the claim in advance."""
    metadata, spec = claim["metadata"], claim["spec"]
    reference = {key: metadata[key] for key in ("name", "namespace", "uid")}
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name(claim),
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "storageClassName": spec["storageClassName"],
            "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **reference},
            "local": {"path": str(folders / volume_name(claim))},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
