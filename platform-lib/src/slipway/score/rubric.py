"""The 28 tests of the ML Test Score, and the proofs that earn each: the one place where they are stated.

``automatic`` proofs run by themselves, again and again: all of them together earn a point. ``partly`` proofs earn half
a point where the test is made by hand and recorded, or only part of it runs by itself. ``missing`` says what is not
there yet and which part of Slipway brings it. No points are stated here: they are found by executing the proofs.

What is specific to a model comes from its own tests (``{model}`` in a test's path) and its release's evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

from slipway.score.proofs import EveryFeatureEarns, Green, Included, Proof, StalenessKnown, Test, Tuned

SECTIONS = {
    "data": "Features and data",
    "model": "Model development",
    "infra": "ML infrastructure",
    "monitor": "Monitoring",
}
_UNIT = "tests/unit/slipway"
_MODEL = "tests/unit/models/{model}"
_MONITORING = "monitoring of served data (drift, labels, KPI, staleness; Prometheus and Alertmanager)"


@dataclass(frozen=True)
class Row:
    """One test of the paper, in its words; its id is that of the paper's section and number ("data-2")."""

    id: str
    test: str
    automatic: tuple[Proof, ...] = ()
    partly: tuple[Proof, ...] = ()
    missing: str = ""

    @property
    def section(self) -> str:
        return self.id.rpartition("-")[0]


def _tests(*nodes: str) -> tuple[Test, ...]:
    return tuple(Test(node) for node in nodes)


_DATA = (
    Row(
        "data-1",
        "Feature expectations are captured in a schema",
        (
            Green("contract"),
            *_tests(
                "tests/gates/test_contract.py",
                f"{_MODEL}/test_features.py::test_contract_of_the_features_names_them_in_order",
                f"{_UNIT}/contracts/test_quarantine.py",
            ),
        ),
    ),
    Row(
        "data-2",
        "All features are beneficial",
        (EveryFeatureEarns(), *_tests(f"{_UNIT}/evaluation/test_ablation.py")),
        missing="a model of only those features that earn their place; the study names the others",
    ),
    Row(
        "data-3",
        "No feature's cost is too much",
        (
            Green("budget"),
            *_tests(
                "tests/gates/test_budget.py::test_fault_each_bound_by_itself", f"{_UNIT}/release/test_footprint.py"
            ),
        ),
    ),
    Row(
        "data-4",
        "Features adhere to meta-level requirements",
        (
            Green("leakage"),
            *_tests(
                "tests/gates/test_leakage.py",
                f"{_UNIT}/contracts/test_marks.py",
                f"{_MODEL}/test_features.py::test_outcomes_and_personal_data_reach_neither_features_nor_requests",
            ),
        ),
    ),
    Row(
        "data-5",
        "The data pipeline has appropriate privacy controls",
        (
            Green("policy"),
            *_tests(
                f"{_MODEL}/test_privacy.py",
                f"{_MODEL}/test_features.py::test_outcomes_and_personal_data_reach_neither_features_nor_requests",
                f"{_UNIT}/contracts/test_request.py::test_no_message_says_a_personal_value",
                f"{_UNIT}/request_log/test_personal.py",
                f"{_UNIT}/request_log/test_log.py::test_no_personal_value_leaves_the_process",
            ),
        ),
    ),
    Row(
        "data-6",
        "New features can be added quickly",
        _tests(
            f"{_MODEL}/test_new_feature.py",
            f"{_MODEL}/test_features.py::test_nothing_else_computes_features",
        ),
    ),
    Row(
        "data-7",
        "All input feature code is tested",
        _tests(f"{_MODEL}/test_features.py", f"{_MODEL}/test_sources.py", f"{_UNIT}/features/test_columns.py"),
    ),
)

_MODEL_ROWS = (
    Row(
        "model-1",
        "Model specs are reviewed and submitted",
        partly=_tests("tests/layout/test_ownership.py"),
        missing="proof that a review took place: promotion by pull request (issue 7) brings it",
    ),
    Row(
        "model-2",
        "Offline and online metrics correlate",
        missing=f"online figures of the KPI to correlate with: {_MONITORING}",
    ),
    Row(
        "model-3",
        "All hyperparameters have been tuned",
        partly=(Tuned(), *_tests(f"{_UNIT}/tuning/test_search.py")),
        missing="tuning that runs by itself when the data changes: the retraining loop brings it",
    ),
    Row(
        "model-4",
        "The impact of model staleness is known",
        (StalenessKnown(), *_tests(f"{_UNIT}/evaluation/test_staleness.py")),
    ),
    Row(
        "model-5",
        "A simpler model is not better",
        (Green("baseline"), *_tests("tests/gates/test_baseline.py::test_fault_model_is_the_logistic_one")),
    ),
    Row(
        "model-6",
        "Model quality is sufficient on important data slices",
        (Green("slices"), *_tests("tests/gates/test_slices.py", f"{_UNIT}/gates/test_slices_statistics.py")),
    ),
    Row(
        "model-7",
        "The model is tested for considerations of inclusion",
        (
            Included(),
            Green("slices"),
            *_tests(
                "tests/gates/test_slices.py::test_fault_labels_of_one_carrier_flipped",
                "tests/gates/test_slices.py::test_many_harmless_slices_do_not_add_up_to_an_alarm",
            ),
        ),
    ),
)

_INFRA = (
    Row(
        "infra-1",
        "Training is reproducible",
        _tests(
            f"{_MODEL}/test_train.py::test_equal_inputs_give_equal_bytes",
            f"{_MODEL}/test_train.py::test_the_release_s_model_is_what_its_data_and_parameters_give",
            f"{_UNIT}/release/test_package.py::test_equal_inputs_give_equal_bytes_wherever_and_whenever",
        ),
    ),
    Row("infra-2", "Model specs are unit tested", _tests(f"{_MODEL}/test_train.py", f"{_MODEL}/test_slices.py")),
    Row(
        "infra-3",
        "The ML pipeline is integration tested",
        _tests(
            "tests/faults/test_package_refusals.py::test_the_copy_is_packaged_to_the_same_release",
            "tests/loop/test_answers_are_collected.py",
        ),
    ),
    Row(
        "infra-4",
        "Model quality is validated before serving",
        (
            Green("baseline"),
            Green("calibration"),
            Green("challenger"),
            Green("robustness"),
            *_tests(
                "tests/gates/test_challenger.py",
                "tests/gates/test_robustness.py::test_fault_a_model_that_memorised",
                f"{_UNIT}/evidence/test_collect.py",
                "tests/faults/test_package_refusals.py"
                "::test_the_stage_s_process_refuses_with_exit_1_and_keeps_the_old_release",
                f"{_UNIT}/serving/test_server.py::test_a_changed_release_is_refused_by_the_file_s_name",
            ),
        ),
    ),
    Row(
        "infra-5",
        "The model is debuggable",
        _tests(
            f"{_UNIT}/explain/test_explanation.py",
            f"{_UNIT}/explain/test_trees.py",
            f"{_UNIT}/explain/test_question.py",
        ),
    ),
    Row(
        "infra-6",
        "Models are canaried before serving",
        missing="the canary loop on a cluster (issue 7)",
    ),
    Row(
        "infra-7",
        "Serving models can be rolled back",
        missing="roll-outs whose state is in Git, so that `git revert` rolls back (issue 7)",
    ),
)

_MONITOR = (
    Row(
        "monitor-1",
        "Dependency changes result in notification",
        missing=f"alerts when a source or a library changes: {_MONITORING}",
    ),
    Row(
        "monitor-2",
        "Data invariants hold for inputs",
        partly=(
            Green("contract"),
            Green("drift"),
            *_tests(
                f"{_UNIT}/contracts/test_request.py::test_the_server_accepts_exactly_what_the_contract_accepts",
                f"{_UNIT}/contracts/test_derivation.py::test_a_request_passes_exactly_where_the_contract_does",
                f"{_UNIT}/serving/test_metrics.py::test_what_is_scraped_is_what_was_sent",
            ),
        ),
        missing=f"an alert when more requests than usual are refused, or served inputs drift: {_MONITORING}",
    ),
    Row(
        "monitor-3",
        "Training and serving are not skewed",
        (
            Green("skew"),
            *_tests(
                f"{_MODEL}/test_features.py::test_equal_bits_for_whatever_the_contract_allows",
                f"{_MODEL}/test_features.py::test_equal_bits_for_real_rows",
                f"{_UNIT}/release/test_booster.py::test_real_rows_score_to_the_last_bit",
                "tests/loop/test_answers_are_collected.py",
            ),
        ),
    ),
    Row(
        "monitor-4",
        "Models are not too stale",
        missing=f"the age of the serving model as a metric, with an alert: {_MONITORING}",
    ),
    Row(
        "monitor-5",
        "Models are numerically stable",
        _tests(
            f"{_MODEL}/test_numerical_stability.py",
            f"{_UNIT}/gates/test_paired_bounds.py::test_a_score_that_is_no_number_beats_nothing",
            "tests/gates/test_slices.py::test_fault_a_score_is_not_a_number",
        ),
    ),
    Row(
        "monitor-6",
        "Computing performance has not regressed",
        partly=(
            Green("budget"),
            *_tests(
                "tests/gates/test_budget.py::test_fault_each_bound_by_itself",
                f"{_UNIT}/serving/test_server.py::test_memory_does_not_grow_with_requests",
            ),
        ),
        missing=f"training speed, throughput and slow leaks from release to release: {_MONITORING}",
    ),
    Row(
        "monitor-7",
        "Prediction quality has not regressed",
        missing=f"quality on served data as labels arrive, with an alert: {_MONITORING}",
    ),
)

ROWS: tuple[Row, ...] = (*_DATA, *_MODEL_ROWS, *_INFRA, *_MONITOR)
