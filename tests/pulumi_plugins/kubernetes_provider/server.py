# ruff: noqa: N802 (the methods are called as the protocol calls them)
"""Pulumi's provider protocol over a cluster."""

from __future__ import annotations

import importlib.metadata
import os
import sys
import traceback
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import grpc
import grpc.aio
import yaml
from google.protobuf import empty_pb2
from kr8s import APITimeoutError, ServerError
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from kubernetes_provider import objects, readiness
from kubernetes_provider.cluster import Cluster, Object
from kubernetes_provider.values import from_struct, has_unknown, to_struct

LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes, as in Pulumi's SDKs."""
_UNREACHABLE = "PULUMI_K8S_DELETE_UNREACHABLE"
_CANNOT_CONNECT = (OSError, APITimeoutError, ConnectionError)


def _told(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Give the engine the error's text: it shows that to people."""

    @wraps(method)
    async def call(self: Any, request: Any, context: Any) -> Any:
        try:
            return await method(self, request, context)
        except (ServerError, LookupError, TimeoutError, *_CANNOT_CONNECT) as error:
            await context.abort(grpc.StatusCode.UNKNOWN, f"{type(error).__name__}: {error}")
        except grpc.aio.AbortError:
            raise
        except Exception:
            await context.abort(grpc.StatusCode.UNKNOWN, traceback.format_exc())

    return call


class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One configured provider; the engine starts a process for each."""

    def __init__(self) -> None:
        self._cluster: Cluster | None = None
        self._mutable: frozenset[str] = frozenset()
        self._delete_unreachable = False

    @_told
    async def CheckConfig(self, request: Any, context: Any) -> Any:
        """Everything is accepted."""
        return provider_pb2.CheckResponse(inputs=request.news)

    @_told
    async def DiffConfig(self, request: Any, context: Any) -> Any:
        """Another kubeconfig may be another way to the same cluster: it replaces nothing."""
        changed = list(objects.differences(from_struct(request.olds), from_struct(request.news)))
        return _diff(changed, [])

    @_told
    async def Configure(self, request: Any, context: Any) -> Any:
        """Remember the kubeconfig. Nothing is asked of the cluster before something must be."""
        given = from_struct(request.args)
        kubeconfig = given.get("kubeconfig", "")
        if kubeconfig and not has_unknown(kubeconfig):
            self._cluster = Cluster(kubeconfig, force=_is_on(given, "enablePatchForce"))
        kinds = {"Secret": "enableSecretMutable", "ConfigMap": "enableConfigMapMutable"}
        self._mutable = frozenset(kind for kind, name in kinds.items() if _is_on(given, name))
        self._delete_unreachable = _is_on(given, "deleteUnreachable") or os.environ.get(_UNREACHABLE) == "true"
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    @_told
    async def Invoke(self, request: Any, context: Any) -> Any:
        """`yaml.ConfigGroup` of API v1 lets its provider read YAML."""
        if request.tok != "kubernetes:yaml:decode":
            raise LookupError(f"this stand-in does not know {request.tok}; see tests/pulumi_plugins/README.md")
        documents = yaml.load_all(from_struct(request.args)["text"], Loader=yaml.CSafeLoader)
        return provider_pb2.InvokeResponse(**{"return": to_struct({"result": [one for one in documents if one]})})

    @_told
    async def Check(self, request: Any, context: Any) -> Any:
        """An object needs a name: this stand-in invents none."""
        inputs = from_struct(request.news)
        failures = []
        if not inputs.get("metadata", {}).get("name"):
            reason = "metadata.name is missing: this stand-in invents no names"
            failures.append(provider_pb2.CheckFailure(property="metadata.name", reason=reason))
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    @_told
    async def Diff(self, request: Any, context: Any) -> Any:
        """What was asked for before against what is asked for now; a refresh puts what is there into the former."""
        old, new = from_struct(request.old_inputs), from_struct(request.news)
        changed = list(objects.differences(old, new))
        return _diff(changed, objects.replaced_by(new["kind"], changed, self._mutable))

    @_told
    async def Create(self, request: Any, context: Any) -> Any:
        """Apply, and wait until it is ready."""
        inputs = from_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(id="", properties=to_struct(objects.foreseen(inputs)))
        live = await self._applied(inputs, request.timeout)
        return provider_pb2.CreateResponse(id=objects.name_of(live), properties=_properties(inputs, live))

    @_told
    async def Update(self, request: Any, context: Any) -> Any:
        """The same as Create: apply does not ask what was before."""
        inputs = from_struct(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=to_struct(objects.foreseen(inputs)))
        live = await self._applied(inputs, request.timeout)
        return provider_pb2.UpdateResponse(properties=_properties(inputs, live))

    @_told
    async def Read(self, request: Any, context: Any) -> Any:
        """What is there; an empty answer when it is not."""
        inputs = from_struct(request.inputs)
        live = await self._wanted().read(inputs or from_struct(request.properties))
        if live is None:
            return provider_pb2.ReadResponse()
        found = objects.inputs_now(inputs, live) if inputs else {}
        properties = _properties(inputs, live)
        return provider_pb2.ReadResponse(id=request.id, properties=properties, inputs=to_struct(found))

    @_told
    async def Delete(self, request: Any, context: Any) -> Any:
        """Delete, and wait until it is gone."""
        item = from_struct(request.properties)
        try:
            await self._wanted().delete(item)
            await readiness.gone(self._wanted(), item, request.timeout or readiness.PATIENCE)
        except LookupError:  # its kind has gone with its definition
            return empty_pb2.Empty()
        except _CANNOT_CONNECT:
            if not self._delete_unreachable:
                raise
        return empty_pb2.Empty()

    async def Cancel(self, request: Any, context: Any) -> Any:
        """The engine ends this process by itself."""
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The engine warns of a plugin that is older than the SDK with which the program was written."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi-kubernetes"))

    async def _applied(self, inputs: Object, timeout: float) -> Object:
        cluster = self._wanted()
        await cluster.apply(inputs)
        return await readiness.ready(cluster, inputs, timeout or readiness.PATIENCE)

    def _wanted(self) -> Cluster:
        if self._cluster is None:
            raise LookupError("the provider has no kubeconfig")
        return self._cluster


def _properties(inputs: Object, live: Object) -> Any:
    return to_struct(objects.outputs_of(inputs, live))


def _is_on(given: Object, name: str) -> bool:
    return str(given.get(name, "")).lower() == "true"


def _diff(changed: list[str], replaces: list[str]) -> Any:
    kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
    # The old object has the name that the new one needs.
    return provider_pb2.DiffResponse(changes=kind, diffs=changed, replaces=replaces, deleteBeforeReplace=True)


async def serve() -> None:
    """Serve until the engine ends this process."""
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
    server = grpc.aio.server(options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(KubernetesProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()
