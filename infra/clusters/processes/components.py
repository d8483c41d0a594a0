"""The processes of the node: how each is called, and when each is ready.

Paths are those inside the node's mount namespace (`INSIDE`, `PROGRAMS_INSIDE`), so that nothing depends on where the
stack's folder is on the machine.
"""

from __future__ import annotations

from infra.clusters.processes import readiness
from infra.clusters.processes.addressing import API_PORT
from infra.clusters.processes.layout import INSIDE, PROGRAMS_INSIDE
from infra.clusters.processes.spec import NodeSpec
from infra.clusters.processes.supervisor import Component

PKI = INSIDE / "pki"
CONFIG = INSIDE / "config"
CONTAINERD_SOCKET = INSIDE / "containerd.sock"


def all_of(spec: NodeSpec) -> list[Component]:
    """The components in the order in which they start; a component starts when the one before it is ready."""
    address = str(spec.ranges.node)
    return [
        Component(
            "containerd",
            ("containerd", "--config", f"{CONFIG}/containerd.toml"),
            readiness.unix_socket(CONTAINERD_SOCKET),
        ),
        Component(
            "registry",
            ("docker-registry", "serve", f"{CONFIG}/registry.yaml"),
            readiness.http_ok(f"http://{spec.ranges.registry}/v2/"),
        ),
        Component("etcd", etcd(), readiness.http_ok("http://127.0.0.1:2381/readyz")),
        Component("kube-apiserver", apiserver(spec), readiness.https_ok(address, API_PORT, "/readyz", PKI)),
        Component("kube-controller-manager", controller_manager(spec)),
        Component("kube-scheduler", scheduler()),
        Component("kubelet", kubelet(spec), readiness.http_ok("http://127.0.0.1:10248/healthz")),
        Component("kube-proxy", (_program("kube-proxy"), f"--config={CONFIG}/kube-proxy.json")),
    ]


def etcd() -> tuple[str, ...]:
    """One member; its peer port serves nobody, but etcd insists on one."""
    return (
        _program("etcd"),
        "--name=node",
        f"--data-dir={INSIDE}/etcd",
        "--listen-client-urls=https://127.0.0.1:2379",
        "--advertise-client-urls=https://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=node=http://127.0.0.1:2380",
        "--listen-metrics-urls=http://127.0.0.1:2381",
        *_tls("etcd-server", certificate="--cert-file", key="--key-file"),
        "--client-cert-auth",
        f"--trusted-ca-file={PKI}/etcd-ca.crt",
        "--log-level=warn",
    )


def apiserver(spec: NodeSpec) -> tuple[str, ...]:
    return (
        _program("kube-apiserver"),
        # There is no default route from which it could guess.
        f"--advertise-address={spec.ranges.node}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={spec.ranges.services}",
        "--etcd-servers=https://127.0.0.1:2379",
        f"--etcd-cafile={PKI}/etcd-ca.crt",
        *_tls("etcd-client", certificate="--etcd-certfile", key="--etcd-keyfile"),
        *_tls("apiserver"),
        f"--client-ca-file={PKI}/ca.crt",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        # PodSecurity and ValidatingAdmissionPolicy are on by default.
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
        *_tls("apiserver-kubelet-client", certificate="--kubelet-client-certificate", key="--kubelet-client-key"),
        f"--kubelet-certificate-authority={PKI}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={PKI}/service-account.pub",
        f"--service-account-signing-key-file={PKI}/service-account.key",
        # The aggregation layer; with the routing it finds the pods of a service without kube-proxy.
        "--enable-aggregator-routing=true",
        f"--requestheader-client-ca-file={PKI}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        *_tls("front-proxy-client", certificate="--proxy-client-cert-file", key="--proxy-client-key-file"),
    )


def controller_manager(spec: NodeSpec) -> tuple[str, ...]:
    return (
        _program("kube-controller-manager"),
        *_own_kubeconfig("kube-controller-manager"),
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={PKI}/service-account.key",
        f"--root-ca-file={PKI}/ca.crt",
        f"--client-ca-file={PKI}/ca.crt",
        f"--requestheader-client-ca-file={PKI}/front-proxy-ca.crt",
        f"--cluster-signing-cert-file={PKI}/ca.crt",
        f"--cluster-signing-key-file={PKI}/ca.key",
        "--allocate-node-cidrs=true",
        f"--cluster-cidr={spec.ranges.pods}",
        f"--node-cidr-mask-size={spec.ranges.node_pods.prefixlen}",
        f"--service-cluster-ip-range={spec.ranges.services}",
        # It probes this folder, whose default it may not be able to make.
        f"--flex-volume-plugin-dir={INSIDE}/volume-plugins",
        # Of five minutes a person watching an autoscaler sees nothing; on one node the readings are a few seconds old.
        "--horizontal-pod-autoscaler-sync-period=5s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=30s",
    )


def scheduler() -> tuple[str, ...]:
    return (
        _program("kube-scheduler"),
        *_own_kubeconfig("kube-scheduler"),
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
    )


def kubelet(spec: NodeSpec) -> tuple[str, ...]:
    return (
        _program("kubelet"),
        f"--config={CONFIG}/kubelet.json",
        f"--kubeconfig={PKI}/kubelet.kubeconfig",
        f"--hostname-override={spec.name}",
        # As for the API server: there is no default route.
        f"--node-ip={spec.ranges.node}",
        f"--cert-dir={PKI}",
    )


def _program(name: str) -> str:
    return str(PROGRAMS_INSIDE / name)


def _tls(name: str, *, certificate: str = "--tls-cert-file", key: str = "--tls-private-key-file") -> tuple[str, str]:
    return f"{certificate}={PKI}/{name}.crt", f"{key}={PKI}/{name}.key"


def _own_kubeconfig(client: str) -> tuple[str, ...]:
    options = ("--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig")
    return tuple(f"{option}={PKI}/{client}.kubeconfig" for option in options)
