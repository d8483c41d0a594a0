"""The Pulumi program: it only composes. `pulumi up` in this folder runs it, and so does `make platform-up`."""

from __future__ import annotations

import pulumi

from infra.clusters import capabilities, choice
from infra.settings import from_pulumi


def compose() -> None:
    """Declare the platform of the stack that is running."""
    stack, settings = pulumi.get_stack(), from_pulumi()
    chosen = choice.for_stack(stack, settings)
    cluster = capabilities.provider(chosen.provider).provision(stack, settings)
    pulumi.export("kubeconfig", pulumi.Output.secret(cluster.kubeconfig))


if __name__ == "__main__":
    compose()
