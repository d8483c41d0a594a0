"""LightGBM's C API, as far as scoring needs it.

The Python package ``lightgbm`` is not imported: it pulls in pandas, SciPy and scikit-learn (1 to 3 s, 100 MiB), and
its ``predict`` spends three quarters of a single row's time on checks that a release has made unnecessary. The
shared library that it ships is loaded directly; both give the same bits.

Source: https://lightgbm.readthedocs.io/en/latest/C-API.html
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import EnvironmentFault, SlipwayError

_FLOAT64 = 1
_NORMAL = 0  # the score as the objective defines it, e.g. a probability
_RAW = 1  # the sum of the trees' outputs
_LEAF_INDEX = 2
_CONTRIBUTIONS = 3
_ALL_TREES = -1
_ROW_MAJOR = 1
_MANY_ROWS = 10_000
_Pointer = ctypes.POINTER(ctypes.c_double)


class LightGBMFault(SlipwayError):
    """LightGBM itself refuses: a broken model, or a row of another width than the model's."""

    exit_code = 3


class Booster:
    """A loaded model.

    Not thread safe: a row is scored in buffers that belong to the object, so one thread owns it.

    Args:
        model: the text of a model, as ``Booster.model_to_string`` writes it.

    Raises:
        LightGBMFault: when the text is no model.
        EnvironmentFault: when LightGBM is not installed.

    Attributes:
        width: how many features a row has.
        trees: how many trees it sums.
    """

    def __init__(self, model: bytes) -> None:
        self._library = _library()
        self._handle = ctypes.c_void_p()
        iterations = ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", model, ctypes.byref(iterations), ctypes.byref(self._handle))
        outputs = self._number("LGBM_BoosterGetNumClasses")
        if outputs != 1:
            raise LightGBMFault(f"The model gives {outputs} scores per row; a release gives one.")
        self.width = self._number("LGBM_BoosterGetNumFeature")
        self.trees = self._number("LGBM_BoosterNumberOfTotalModel")
        self._prepare_row()

    def _prepare_row(self) -> None:
        self._config = ctypes.c_void_p()
        self._call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            self._handle, _NORMAL, 0, _ALL_TREES, _FLOAT64, self.width, b"num_threads=1", ctypes.byref(self._config),
        )  # fmt: skip
        self._row = (ctypes.c_double * self.width)()
        self._score = ctypes.c_double()
        self._count = ctypes.c_int64()
        self._pack = struct.Struct(f"{self.width}d").pack_into
        self._single = self._library.LGBM_BoosterPredictForMatSingleRowFast
        self._single_arguments = (
            self._config, ctypes.byref(self._row), ctypes.byref(self._count), ctypes.byref(self._score)
        )  # fmt: skip

    def score(self, features: Sequence[float]) -> float:
        """Score one row; ``features`` has shape (width,), NaN for a missing value.

        Raises:
            LightGBMFault: when the row has another width, or LightGBM refuses it.
        """
        try:
            self._pack(self._row, 0, *features)
        except struct.error as error:
            raise LightGBMFault(f"A row must have {self.width} numbers: {error}.") from error
        if self._single(*self._single_arguments):
            raise self._fault()
        return self._score.value

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of shape (rows,) for ``features`` of shape (rows, width).

        Raises:
            LightGBMFault: when the rows have another width, or LightGBM refuses them.
        """
        if features.ndim != 2 or features.shape[1] != self.width:
            raise LightGBMFault(f"The features have shape {features.shape}, the model takes (rows, {self.width}).")
        matrix = np.ascontiguousarray(features, dtype=np.float64)
        scores = np.empty(len(matrix), dtype=np.float64)
        if not len(matrix):
            return scores
        # Waking OpenMP's threads takes longer than a small batch (8 ms against 0.1 ms for 100 rows on 2 cores).
        threads = b"num_threads=1" if len(matrix) < _MANY_ROWS else b"num_threads=0"
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle, matrix.ctypes.data_as(_Pointer), _FLOAT64, len(matrix), self.width, _ROW_MAJOR,
            _NORMAL, 0, _ALL_TREES, threads, ctypes.byref(ctypes.c_int64()), scores.ctypes.data_as(_Pointer),
        )  # fmt: skip
        return scores

    def raw(self, features: Sequence[float]) -> float:
        """The sum of the trees' outputs for one row of shape (width,), before the link function."""
        return self._inspect(features, _RAW, 1)[0]

    def leaves(self, features: Sequence[float]) -> list[int]:
        """The index of the leaf that one row reaches in each tree, of shape (trees,)."""
        return [int(leaf) for leaf in self._inspect(features, _LEAF_INDEX, self.trees)]

    def leaf_output(self, tree: int, leaf: int) -> float:
        """What a leaf adds to the raw score."""
        output = ctypes.c_double()
        self._call("LGBM_BoosterGetLeafValue", self._handle, tree, leaf, ctypes.byref(output))
        return output.value

    def contributions(self, features: Sequence[float]) -> list[float]:
        """Exact TreeSHAP of one row, of shape (width + 1,): what each feature adds to the raw score, and at the end
        the expected raw score (Lundberg et al., "From local explanations to global understanding", 2020).
        """
        return self._inspect(features, _CONTRIBUTIONS, self.width + 1)

    @functools.cached_property
    def trees(self) -> int:
        """The number of trees."""
        count = ctypes.c_int()
        self._call("LGBM_BoosterNumberOfTotalModel", self._handle, ctypes.byref(count))
        return count.value

    def dump(self) -> dict[str, Any]:
        """The model as LightGBM writes it in JSON."""
        needed = ctypes.c_int64(1 << 20)
        while True:
            room = needed.value
            text = ctypes.create_string_buffer(room)
            arguments = (0, _ALL_TREES, 0, ctypes.c_int64(room), ctypes.byref(needed), text)
            self._call("LGBM_BoosterDumpModel", self._handle, *arguments)
            if needed.value <= room:
                found: dict[str, Any] = json.loads(text.value)
                return found

    def _inspect(self, features: Sequence[float], kind: int, outputs: int) -> list[float]:
        """One row, of which LightGBM tells ``outputs`` numbers of that kind."""
        if len(features) != self.width:
            raise LightGBMFault(f"The row has {len(features)} features, the model takes {self.width}.")
        row, told = (ctypes.c_double * self.width)(*features), (ctypes.c_double * outputs)()
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle, ctypes.byref(row), _FLOAT64, 1, self.width, _ROW_MAJOR, kind, 0, _ALL_TREES,
            b"num_threads=1", ctypes.byref(ctypes.c_int64()), told,
        )  # fmt: skip
        return list(told)

    def __del__(self) -> None:
        if getattr(self, "_config", None):
            self._library.LGBM_FastConfigFree(self._config)
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)

    def _number(self, function: str) -> int:
        found = ctypes.c_int()
        self._call(function, self._handle, ctypes.byref(found))
        return found.value

    def _call(self, function: str, *arguments: object) -> None:
        if getattr(self._library, function)(*arguments):
            raise self._fault()

    def _fault(self) -> LightGBMFault:
        said = self._library.LGBM_GetLastError().decode(errors="replace")
        return LightGBMFault(f"LightGBM refuses: {said}.", "Package the release again if its model is at fault.")


@functools.cache
def _library() -> ctypes.CDLL:
    found = importlib.util.find_spec("lightgbm")
    if found is None or found.origin is None:
        raise EnvironmentFault("LightGBM is not installed.", "Install slipway[serving].")
    library = ctypes.CDLL(str(Path(found.origin).parent / "lib" / "lib_lightgbm.so"))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
