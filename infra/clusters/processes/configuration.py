"""The configuration files of the node's components, as text by path below the stack's cluster folder."""

from __future__ import annotations

import json
import resource
from typing import Any

from infra.clusters.processes.components import CONFIG, CONTAINERD_SOCKET, PKI
from infra.clusters.processes.layout import INSIDE
from infra.clusters.processes.network import POD_BRIDGE
from infra.clusters.processes.programs import CNI_PLUGINS
from infra.clusters.processes.spec import NodeSpec
from infra.names import OWN_REGISTRY

PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"
MIRRORED = (OWN_REGISTRY, "docker.io", "quay.io", "ghcr.io", "registry.k8s.io", "public.ecr.aws", "gcr.io")
"""Hosts whose images the node takes from its own registry."""


def files(spec: NodeSpec) -> dict[str, str]:
    """All of them."""
    registry = f"http://{spec.ranges.registry}"
    hosts = (*MIRRORED, spec.ranges.registry)
    return {
        "config/containerd.toml": containerd(),
        "config/cni/10-slipway.conflist": _json(cni(spec)),
        "config/kubelet.json": _json(kubelet(spec)),
        "config/kube-proxy.json": _json(kube_proxy(spec)),
        "config/registry.yaml": _json(registry_config(spec)),
        "config/resolv.conf": f"nameserver {spec.ranges.dns}\n",
        **{f"config/certs.d/{host}/hosts.toml": mirror(registry) for host in hosts},
    }


def containerd() -> str:
    return f"""\
version = 2
root = "{INSIDE}/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{INSIDE}/containerd-opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  stream_server_address = "127.0.0.1"
  # In many virtual machines root lacks CAP_SYS_RESOURCE, and may not lower a process's score.
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{CONFIG}/cni"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{CONFIG}/certs.d"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def mirror(registry: str) -> str:
    """With the server named too, containerd never asks the real host: on a closed machine that would only wait."""
    return f"""\
server = "{registry}"

[host."{registry}"]
  capabilities = ["pull", "resolve"]
"""


def cni(spec: NodeSpec) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": POD_BRIDGE,
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            # Kept over a restart, so that a pod does not get the address that a service still has for another.
            "dataDir": "/var/lib/cni/networks",
            "ranges": [[{"subnet": str(spec.ranges.node_pods)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    host_ports = {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}
    return {"cniVersion": "1.0.0", "name": "slipway", "plugins": [bridge, host_ports]}


def kubelet(spec: NodeSpec) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{PKI}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{PKI}/kubelet-server.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{spec.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "clusterDNS": [str(spec.ranges.dns)],
        "clusterDomain": "cluster.local",
        # The machine's own name servers cannot be reached from here.
        "resolvConf": f"{CONFIG}/resolv.conf",
        "volumePluginDir": f"{INSIDE}/volume-plugins",
        # The disk is the machine's, and mostly filled by others: images are not deleted because of them.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
        "registryPullQPS": 0,
        "serializeImagePulls": False,
        "syncFrequency": "10s",
        # In many virtual machines root may not raise it.
        "maxOpenFiles": min(1_000_000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
    }


def kube_proxy(spec: NodeSpec) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{PKI}/kube-proxy.kubeconfig"},
        "mode": "nftables",
        # A pod that has ended gets requests for so long.
        "nftables": {"minSyncPeriod": "200ms"},
        "clusterCIDR": str(spec.ranges.pods),
        "hostnameOverride": spec.name,
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "127.0.0.1:10256",
        "oomScoreAdj": 0,
        # Zero leaves these settings alone: they are the machine's, not the namespace's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def registry_config(spec: NodeSpec) -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": f"{INSIDE}/registry"}, "delete": {"enabled": True}},
        "http": {"addr": spec.ranges.registry, "relativeurls": True},
    }


def _json(value: dict[str, Any]) -> str:
    """JSON, which each of them reads as YAML."""
    return json.dumps(value, indent=2) + "\n"
