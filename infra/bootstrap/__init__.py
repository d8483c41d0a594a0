"""What must be in a cluster before Argo CD can do the rest: it ends where Argo CD applies its root application.

`registry` pushes images and knows their digests, `secrets` makes what nobody should have to invent, `account` finds
what can only be given, `git` serves the repositories that Argo CD reads, and `argocd` installs Argo CD and hands over
to `gitops/argocd`.
"""
