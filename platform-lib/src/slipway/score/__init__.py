"""The ML Test Score of a model: 28 tests, each earned by proofs that are executed, never by a value set by hand.

rubric     the 28 tests of the paper, the proofs that earn each, and what is missing where none does
proofs     the kinds of proof: tests that pass, verdicts that are green, figures of the study, the tuning's record
testing    runs exactly the named tests, in one pytest process
selection  a pytest plugin that leaves out every other test of the same files
findings   what a release and the repository have to show, read once
scoring    points of each test, of each section, and of the model: the least of the four sections

Breck, Cai, Nielsen, Salib, Sculley: "The ML Test Score: A Rubric for ML Production Readiness and Technical Debt
Reduction", IEEE Big Data 2017.
"""
