"""The platform from the command line: the same program as `pulumi up`, run through Pulumi's Automation API.

    python -m infra.automation up --stack local

`cli` reads the command line, `operations` is what each verb does, `engine` finds Pulumi and opens a stack, `progress`
tells people what happens, `lock` keeps two runs apart, `clone` makes `git push platform main` work, and `record` writes
what other programs need to know.
"""
