"""The programs and images of a platform, built from pinned sources and kept by content in the user's cache folder.

`store` keeps entries by key; `components` says what is built from infra/upstream/, `go` builds it, and `executables`
hands out paths; `manifests` reads what upstream ships beside its code.

    from infra.builds import programs
    programs().kubectl
"""

from infra.builds.executables import Programs, program, programs

__all__ = ["Programs", "program", "programs"]
