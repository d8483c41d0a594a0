"""What a release runs on and what is in it: known before it is packaged, and asked about for as long as it runs.

Before packaging, for gate ``supply_chain``, without a network:

locked      what the serving image installs, from its lock file
licences    under which licence each package is: a record in Git, held against metadata
sbom        both as CycloneDX, in the release
inspection  every file of the release looked into: its kind (kinds), pickles, secrets, what the model's code uses (code)

On the finished release, for gate ``advisories``:

osv         the advisory source, asked in one batch, canaries included
pip_audit   the same source, asked package by package
scan        both answers, signed, and judged anew whenever they are read
"""
