"""What must exist before Argo CD does: a cluster, a registry, and the bootstrap of GitOps.

`upstream/` pins the programs that are built from Go modules, `builds/` builds and caches them and the images,
`clusters/` holds one module per provider of a cluster, and `bootstrap/` ends where Argo CD applies its root
application.
"""
