"""What must exist before Argo CD does: a cluster, a registry, and the bootstrap of GitOps.

`__main__.py` only composes, and is the place to begin. `settings.py` says what a stack may set, `clusters/` holds one
module per provider of a cluster, `bootstrap/` ends where Argo CD applies its root application, and `automation/` runs
all this from the command line. `upstream/` pins the programs that are built from Go modules, and `builds/` builds and
caches them and the images.
"""
