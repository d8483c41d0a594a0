"""Scoring tables of any size: what ``slipway predict`` does.

inputs    which Parquet files, and whether they can be scored at all
rules     the release's request rules, applied to whole columns
plan      the parts that the work is cut into, and what makes two runs the same
store     finished parts beside the output, so that a killed run goes on, and their commit
pipeline  reading ahead and scoring on all cores, in bounded memory
run       all of it together

The input is cut into parts of equal size. A part that is scored is written to a folder beside the output; when all
are there, that folder becomes the output in one rename. So a reader sees all scores or none, and the same command
goes on after a kill. Scores have the bits that the server would have answered.
"""

from slipway.batch.run import Job, Summary, predict

__all__ = ["Job", "Summary", "predict"]
