"""The programs and images of a platform, built from pinned sources and kept by content in the user's cache folder.

`store` keeps entries by key. Programs: `components` says what is built from infra/upstream/, `go` builds it,
`executables` hands out paths. Images: `catalogue` says what images/ holds, `engines` and `debian` build, `containers`
hands out OCI layouts, `registry` pushes them. `modules` finds what upstream ships beside its code, `manifests` makes a
tree of it.

    from infra.builds import images, program, push
    program("kubectl")
    push(images(["git"]).values(), "http://127.0.0.1:5000")["git"]  # registry.slipway.internal/git@sha256:...
"""

from infra.builds.containers import BuiltImage, images
from infra.builds.executables import program, programs
from infra.builds.registry import push

__all__ = ["BuiltImage", "images", "program", "programs", "push"]
