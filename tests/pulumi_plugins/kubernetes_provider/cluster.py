"""Objects on an API server: server-side apply, read and delete, for any kind that it knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import kr8s.asyncio
import yaml
from kr8s import ServerError

Object = dict[str, Any]
FIELD_MANAGER = "pulumi-kubernetes"


@dataclass(frozen=True)
class Place:
    """Where the API serves a kind."""

    base: str
    version: str
    plural: str
    namespaced: bool


class Cluster:
    """One API server, reached with a kubeconfig."""

    def __init__(self, kubeconfig: str, *, force: bool) -> None:
        """`force`: take fields over from other managers instead of failing."""
        self._kubeconfig = yaml.safe_load(kubeconfig)
        self._force = force
        self._places: dict[tuple[str, str], Place] = {}
        self._api: Any = None

    async def apply(self, item: Object) -> Object:
        """Create the object, or make its fields as given. Fields that we no longer give are removed."""
        place = await self._place(item)
        body = json.dumps({key: value for key, value in item.items() if key != "status"})
        parameters = {"fieldManager": FIELD_MANAGER, "force": str(self._force).lower()}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        live: Object = await self._call("PATCH", place, item, params=parameters, headers=headers, content=body)
        return live

    async def read(self, item: Object) -> Object | None:
        """The live object, or None."""
        try:
            live: Object = await self._call("GET", await self._place(item), item)
        except ServerError as error:
            if error.response is not None and error.response.status_code == httpx.codes.NOT_FOUND:
                return None
            raise
        return live

    async def delete(self, item: Object) -> None:
        """Ask for the deletion, with all that it owns; an object that is not there is no error."""
        try:
            options = json.dumps({"propagationPolicy": "Background"})
            headers = {"Content-Type": "application/json"}
            await self._call("DELETE", await self._place(item), item, content=options, headers=headers)
        except ServerError as error:
            if error.response is None or error.response.status_code != httpx.codes.NOT_FOUND:
                raise
        except LookupError:  # its CustomResourceDefinition has gone, and every object of it
            return

    async def _call(self, method: str, place: Place, item: Object, **arguments: Any) -> Any:
        metadata = item["metadata"]
        namespace = metadata.get("namespace", "default") if place.namespaced else None
        where = {"base": place.base, "version": place.version, "namespace": namespace}
        api = await self._connected()
        async with api.call_api(method, url=f"{place.plural}/{metadata['name']}", **where, **arguments) as response:
            return response.json()

    async def _place(self, item: Object) -> Place:
        key = (item["apiVersion"], item["kind"])
        if key not in self._places:
            self._places |= await self._discover(item["apiVersion"])
        if key not in self._places:
            raise LookupError(f"the API server knows no {key[1]} of {key[0]}")
        return self._places[key]

    async def _discover(self, version: str) -> Mapping[tuple[str, str], Place]:
        base = "/apis" if "/" in version else "/api"
        api = await self._connected()
        try:
            async with api.call_api("GET", base=base, version=version, url="") as response:
                resources = response.json()["resources"]
        except ServerError as error:
            raise LookupError(f"the API server knows no {version}: {error}") from error
        return {
            (version, resource["kind"]): Place(base, version, resource["name"], resource["namespaced"])
            for resource in resources
            if "/" not in resource["name"]  # subresources, such as deployments/scale
        }

    async def _connected(self) -> Any:
        if self._api is None:
            self._api = await kr8s.asyncio.api(kubeconfig=self._kubeconfig)
        return self._api
