"""What people read when an operation has ended: what is there, and what to open and try next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.automation.operations import Outcome, Request
from infra.automation.progress import QUIET

_ADMIN = (
    "kubectl --kubeconfig {kubeconfig} -n argocd get secret argocd-initial-admin-secret "
    "-o jsonpath='{{.data.password}}' | base64 -d"
)
_MODEL = "curl -s {host}/v2/models/flight_delay"


def after_up(request: Request, outcome: Outcome) -> str:
    """The end of `up`: addresses, and the next three commands."""
    platform, urls = outcome.platform, outcome.platform["urls"]
    lines = [f"The platform {request.stack} is up ({counted(outcome.changes)}). Argo CD now applies gitops/argocd.", ""]
    lines += [f"  {name:13} {url}" for name, url in urls.items()]
    lines += ["", "Argo CD's password (user admin):", f"  {_ADMIN.format(kubeconfig=platform['kubeconfig'])}"]
    lines += ["Watch it work:", f"  kubectl --kubeconfig {platform['kubeconfig']} -n argocd get applications --watch"]
    if "gateway" in urls:
        host = urls["gateway"].replace("127.0.0.1", "flight-delay.production.localhost")
        lines += ["Ask the model, once it is promoted:", f"  {_MODEL.format(host=host)}"]
    if not outcome.notes and outcome.outputs["git"].get("password"):
        lines += ["Deploy what you have committed:", "  git push platform HEAD:main"]
    return "\n".join([*lines, *outcome.notes])


def after_preview(outcome: Outcome) -> str:
    """The end of `preview`: what would change, by resource."""
    if not outcome.changed:
        return "Nothing would change."
    rows = [f"  {row['operation']:10} {row['resource']}" + _differs(row) for row in outcome.changed]
    return "\n".join([f"Would change ({counted(outcome.changes)}):", *rows])


def of_status(answer: Mapping[str, Any]) -> str:
    """The answer of `status`."""
    lines = [f"stack {answer['stack']}: cluster {answer['cluster']} ({answer['provider']}) {answer['detail']}".rstrip()]
    platform = answer["platform"]
    if platform:
        lines += [f"  {name:13} {url}" for name, url in platform["urls"].items()]
        lines += [f"  {'kubeconfig':13} {platform['kubeconfig']}"]
    if answer["applications"]:
        lines += ["", "Argo CD applies:"]
    for name, application in answer["applications"].items():
        lines.append(f"  {name:32} {application['sync']:10} {application['health']}")
    return "\n".join(lines)


def counted(changes: Mapping[str, int]) -> str:
    """`12 create, 3 same`, what changes first."""
    order = sorted(changes.items(), key=lambda item: (item[0] in QUIET, item[0]))
    return ", ".join(f"{number} {operation}" for operation, number in order) or "nothing to do"


def _differs(row: Mapping[str, str]) -> str:
    return f" ({row['differs']})" if row["differs"] else ""
