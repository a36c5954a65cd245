"""Loss curves stay what they were: a faster kernel may round otherwise, and nothing else.

`golden/curves.json` was recorded with the first release of minnet, whose products came from a BLAS library.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

import minnet
from minnet.training import NetworkSpec, OptimizerSpec, RunSpec, TrainingSpec

RECORDED = json.loads((Path(__file__).parents[1] / "golden" / "curves.json").read_text())


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["optimizer"])
@pytest.mark.parametrize("threads", [1, 2])
def test_curves_are_those_of_the_first_release(case, threads):
    training = TrainingSpec(epochs=len(case["train_loss"]) - 1, **case["training"])
    optimizer = OptimizerSpec(case["optimizer"], hyper=case["hyper"])
    spec = RunSpec(network=NetworkSpec(**case["network"]), training=training, optimizer=optimizer)
    history = minnet.train(spec, minnet.load_dataset("digits").split(), threads=threads).history
    for name in ("train_loss", "val_loss"):
        assert_allclose([row[name] for row in history], case[name], rtol=1e-5)
