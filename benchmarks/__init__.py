"""What the platform costs, measured against peers in one run: ``make bench``.

noop        a `dvc repro` with nothing to do, against that of a bare DVC project with as many stages
pipeline    all stages from nothing by `dvc repro`, against one process that does the same computing
memory      the pipeline's peak: its largest process, and all of its processes together
packaging   package and verify each release
gates       the stages that pass verdicts, one after the other
predict     `slipway predict` from Parquet to Parquet, against LightGBM's own call on features in memory
trust       `slipway sign` and `slipway verify --key`, each a process from its start to its end

workspace   a copy of the monorepo in a temporary folder, where everything runs
bare        the DVC project that does nothing
straight    the one process
predict     LightGBM's own call, and tables for it to score
repackage   package and verify in a fresh process
trust       commit, keys and scan to sign and to verify by
process     running a command: seconds and peak memory
figures     medians, bounds, the table and the JSON

It reports and never fails on a timing: a busy machine is no broken build.
"""
