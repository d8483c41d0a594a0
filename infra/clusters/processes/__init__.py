"""A real Kubernetes on one Linux machine, made of plain processes: no Docker, no image registry, no internet.

Start reading in `lifecycle`. `up` claims address ranges that nothing else uses (`addressing`, `claims`), makes a
network namespace with one link to the machine (`network`), control groups (`cgroups`), certificates (`pki`) and
configuration files (`configuration`), and starts PID 1 of the node (`node`) in pid and mount namespaces of its own.
That supervises (`supervisor`) the components (`components`): containerd, a registry, etcd, the Kubernetes daemons, the
provisioner of volumes (`volumes`), and the forwarder of loopback ports (`ports`). DNS and a StorageClass come last
(`workloads`, `images`). What the machine must be is in `preflight`, and what a kubelet changes on it is put back by
`sysctls`.
"""
