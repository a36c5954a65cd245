"""The product of matrices in tiles, against NumPy: shapes around every border, lists of terms, and nothing beside C."""

import numpy as np
import pytest
from numba import njit

from minnet import jit
from minnet.network.terms import (
    WORD,
    list_features_of_rows,
    list_rows_of_features,
    make_lists,
    mostly_zero,
    note_zeros,
)
from minnet.network.tiles import ROWS, VECTOR_BYTES, VECTORS, Factor, Terms, multiply, tile_start, turn

SHAPES = [(rows, terms, columns) for rows in (1, 3, 4, 5, 9) for terms in (1, 7) for columns in (1, 2, 15, 17)]
SHAPES += [(5, 3, columns) for columns in (31, 32, 33, 48, 49, 63, 64, 65, 127, 130)] + [
    (2, 70, 8),
    (64, 64, 64),
    (50, 3, 150),
    (49, 70, 400),
]


@njit(**jit.OPTIONS)
def product(A, terms, B, b_first, C, c_first, rows, columns, transposed=False):
    panel = np.empty((terms.high + 1) * 64, B.dtype)
    multiply(A, terms, B, b_first, C, c_first, rows, columns, panel, transposed)


@njit(**jit.OPTIONS)
def noted(X, lists, low, rows, first, n_features):
    for i in range(X.shape[0]):
        note_zeros(X[i], lists.bits, i, 0)
    list_features_of_rows(lists, low, rows, first // WORD * WORD, n_features)
    list_rows_of_features(lists, X.shape[0], first, n_features)


def everything(n):
    return Terms(np.arange(n, dtype=np.int32), 0, np.array([n]), 0, n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("turned", [False, True])
def test_product(dtype, turned):
    rng = np.random.default_rng(0)
    tolerance = {"float32": 2e-5, "float64": 1e-13}[dtype]
    for rows, terms, columns in SHAPES:
        A = rng.normal(size=(rows, terms)).astype(dtype)
        B = rng.normal(size=(terms, columns)).astype(dtype)
        stored = (A.T if turned else A).ravel()
        steps = (1, rows) if turned else (terms, 1)
        C = np.full(rows * columns + 20, 7, dtype)
        shifted = np.concatenate([np.zeros(3, dtype), B.ravel()])
        product(Factor(stored, 0, *steps), everything(terms), shifted, 3, C, 10, rows, columns)
        np.testing.assert_allclose(C[10:-10].reshape(rows, columns), A @ B, rtol=tolerance, atol=tolerance)
        again = np.full_like(C, 7)
        product(
            Factor(stored, 0, *steps),
            everything(terms),
            np.ascontiguousarray(B.T).ravel(),
            0,
            again,
            10,
            rows,
            columns,
            True,
        )
        np.testing.assert_allclose(again, C, rtol=tolerance, atol=tolerance)
        beside = np.concatenate([C[:10], C[-10:]])
        assert (beside == 7).all(), (rows, terms, columns)


def test_no_terms_are_zero():
    C = np.ones(6)
    product(Factor(np.ones(4), 0, 2, 1), everything(0), np.ones(6), 0, C, 0, 2, 3)
    assert (C == 0).all()


def test_definition_and_compiled_agree():
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(10, 6)), rng.normal(size=(6, 5))
    listed = np.array([[0, 2, 5, 0], [1, 3, 4, 5], [2, 0, 0, 0]], np.int32)
    left, terms = Factor(A.ravel(), 0, 6, 1), Terms(listed.ravel(), 4, np.array([3, 4, 1]), 0, 6)
    slow, fast = np.zeros(50), np.zeros(50)
    multiply(left, terms, B.ravel(), 0, slow, 0, 10, 5, np.empty(0), False)
    product(left, terms, B.ravel(), 0, fast, 0, 10, 5)
    expected = np.concatenate(
        [A[:4, [0, 2, 5]] @ B[[0, 2, 5]], A[4:6, [1, 3, 4, 5]] @ B[[1, 3, 4, 5]], A[6:, [2]] @ B[[2]]]
    )
    np.testing.assert_allclose(fast.reshape(10, 5), expected, rtol=1e-14)
    np.testing.assert_allclose(slow, fast, rtol=1e-14)


def test_last_tile_is_moved_back():
    assert [tile_start(i, 10) for i in range(3)] == [0, 4, 6]
    assert tile_start(0, 2) == 0


@pytest.mark.parametrize("n_features", [1, 3, 4, 6, 64, 65, 130, 784])
@pytest.mark.parametrize("rows", [1, 3, 4, 7])
def test_lists_hold_what_is_not_zero(n_features, rows):
    rng = np.random.default_rng(n_features)
    X = (rng.random((rows, n_features)) < 0.2) * rng.integers(1, 256, (rows, n_features)).astype(np.uint8)
    lists = make_lists(n_features, max(n_features, 9), 9, skip=True)
    noted(X, lists, 0, rows, 0, n_features)
    for tile in range(-(-rows // ROWS)):
        first = tile_start(tile, rows)
        listed = lists.of_rows[tile * (n_features + 8) :][: lists.n_of_rows[tile]]
        assert listed.tolist() == np.flatnonzero(X[first : first + ROWS].any(axis=0)).tolist()
    for tile in range(-(-n_features // ROWS)):
        first = tile_start(tile, n_features)
        listed = lists.of_features[tile * 17 :][: lists.n_of_features[tile]]
        needed = np.flatnonzero(X[:, first : first + ROWS].any(axis=1)).tolist()
        if first % ROWS:  # a tile that was moved back takes all samples
            needed = list(range(rows))
        assert listed.tolist() == needed


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_only_zeros_are_zero(dtype):
    X = np.zeros((1, 67), dtype)
    X[0, [5, 64]], X[0, [7, 65]] = -0.0, np.nan
    X[0, 9:13] = np.finfo(dtype).smallest_subnormal, -1, np.inf, -np.inf
    lists = make_lists(67, 67, 1, skip=True)
    noted(X, lists, 0, 1, 0, 67)
    assert lists.of_rows[: lists.n_of_rows[0]].tolist() == [7, 9, 10, 11, 12, 65]


@pytest.mark.parametrize("first", [0, 16, 64, 80])
@pytest.mark.parametrize("n_features", [16, 48, 64, 70])
def test_lists_of_some_features_and_rows(first, n_features):
    rng = np.random.default_rng(first)
    X = (rng.random((11, 150)) < 0.2).astype(np.float32)
    lists = make_lists(150, 150, 11, skip=True)
    noted(X, lists, 5, 6, first, n_features)
    begin = first // WORD * WORD
    for tile in range(2):
        top = 5 + tile_start(tile, 6)
        listed = lists.of_rows[tile * 158 :][: lists.n_of_rows[tile]]
        seen = X[top : top + ROWS, begin : -(-(begin + n_features) // WORD) * WORD]
        assert listed.tolist() == (begin + np.flatnonzero(seen.any(axis=0))).tolist()
    for tile in range(n_features // ROWS):
        columns = X[:, first + tile * ROWS :][:, :ROWS]
        listed = lists.of_features[tile * 19 :][: lists.n_of_features[tile]]
        assert listed.tolist() == np.flatnonzero(columns.any(axis=1)).tolist()


@njit(**jit.OPTIONS)
def turned(W, first, rows, columns, T, height):
    turn(W, first, rows, columns, T, height)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_turn(dtype):
    for rows, columns in [(1, 1), (3, 40), (40, 3), (4, 4), (8, 8), (16, 16), (17, 16), (16, 31), (50, 70)]:
        height = rows + 5
        W = np.arange(7 + rows * columns, dtype=dtype)
        T = np.full(columns * height, -1, dtype)
        turned(W, 7, rows, columns, T, height)
        expected = np.full((columns, height), -1, dtype)
        expected[:, :rows] = W[7:].reshape(rows, columns).T
        assert (T.reshape(columns, height) == expected).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_leaving_out_zeros_changes_no_bit(dtype):
    rng = np.random.default_rng(2)
    rows, n_features, columns = 13, 70, 37
    X = ((rng.random((rows, n_features)) < 0.3) * rng.normal(size=(rows, n_features))).astype(dtype)
    W, D = rng.normal(size=(n_features, columns)).astype(dtype), rng.normal(size=(rows, columns)).astype(dtype)
    lists = make_lists(n_features, n_features, rows, skip=True)
    noted(X, lists, 0, rows, 0, n_features)
    x = X.ravel()
    of_rows = Terms(lists.of_rows, n_features + 8, lists.n_of_rows, 0, n_features)
    of_features = Terms(lists.of_features, rows + 8, lists.n_of_features, 0, rows)
    for steps, count, terms, some, B, height in (
        ((n_features, 1), rows, n_features, of_rows, W, rows),
        ((1, n_features), n_features, rows, of_features, D, n_features),
    ):
        short, full = np.zeros(height * columns, dtype), np.zeros(height * columns, dtype)
        product(Factor(x, 0, *steps), some, B.ravel(), 0, short, 0, count, columns)
        product(Factor(x, 0, *steps), everything(terms), B.ravel(), 0, full, 0, count, columns)
        assert some.counts.sum() < 0.95 * some.counts.size * terms
        if jit.INTERPRETED:
            np.testing.assert_allclose(short, full, rtol=1e-4, atol=1e-5)
        else:
            assert short.tobytes() == full.tobytes()


def test_which_data_are_mostly_zero():
    rng = np.random.default_rng(3)
    assert mostly_zero(rng.random((1000, 50)) < 0.5)
    assert not mostly_zero(rng.random((1000, 50)) < 0.7)


@pytest.mark.skipif(jit.INTERPRETED, reason="nothing is compiled")
def test_tiles_are_vector_code():
    A, C = np.ones(64 * 64, np.float32), np.zeros(64 * 64, np.float32)
    product(Factor(A, 0, 64, 1), everything(64), A, 0, C, 0, 64, 64)
    code = "\n".join(product.inspect_llvm(signature) for signature in product.signatures)
    lanes = VECTOR_BYTES // 4
    assert f"<{lanes} x float>" in code
    assert ROWS * VECTORS >= 8
