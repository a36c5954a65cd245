"""The matrix product: a tile of the result stays in the vector registers of the processor while all terms are added.

Everything that a network multiplies is ``C[r] = sum of A[r, t] * B[t] over terms t``, with rows B[t] and C[r] that are
contiguous, and A read through two strides, so that a matrix and its transpose are the same to it:

* forward: samples times features by the weights, ``Z = X W``;
* gradient of the weights: features times samples by the deltas, ``G = Xᵀ D``;
* delta of the layer before: samples times units by the transposed weights, ``D Wᵀ``.

A tile has `ROWS` rows and `VECTORS` vectors of columns. The terms come as a list: where the inputs are mostly zero,
as in images of digits, the list leaves out the terms that are zero in all rows of the tile. Each number of C is summed
term by term in the order of the list, whatever the tile, so leaving out zeros does not change a bit.

This is the one place that writes instructions for the compiler (LLVM) itself instead of Python: Numba keeps no
array in registers.
"""

from __future__ import annotations

from typing import NamedTuple

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from minnet import jit

_FEATURES = llvm.get_host_cpu_features()
VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx2") else 16
ROWS = 4
VECTORS = 2 if VECTOR_BYTES == 32 else 4  # AVX2 has 16 registers, AVX-512 and NEON have 32
# A panel of B is copied where that pays: its rows lie on many pages, or fall on the same lines of the cache.
COPY_ROWS, COPY_VECTORS, COPY_TERMS = 48, 2 * VECTORS + 1, 160
INTEGER = ir.IntType(64)


def wide(dtype: str) -> int:
    """Return how many columns a full tile has."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize * VECTORS


class Factor(NamedTuple):
    """The left factor of a product: its entry (r, t) lies at ``values[first + r * row + t * term]``."""

    values: np.ndarray
    first: int
    row: int
    term: int


class Terms(NamedTuple):
    """Which terms a product has: the list of tile i begins at ``listed[i * most]`` and holds ``counts[i]`` terms.

    If there is only one count, the first list serves all tiles. All of them lie between `low` and `high`.
    """

    listed: np.ndarray
    most: int
    counts: np.ndarray
    low: int
    high: int


def multiply(A, terms, B, b_first, C, c_first, rows, columns, panel, transposed):
    """Fill `C` with a product of `rows` rows; here the definition, which runs where nothing is compiled.

    Parameters
    ----------
    A : Factor
    terms : Terms
    B : vector; row t begins at ``b_first + t * columns``
    C : vector; row r begins at ``c_first + r * columns``
    rows, columns : shape of the product
    panel : vector of `wide` numbers for every term, to work with
    transposed : B is given as its transpose: term t is a column, and row c begins at ``b_first + c * terms.high``
    """
    for tile in range(-(-rows // ROWS)):
        first, height, number = tile_start(tile, rows), min(ROWS, rows), min(tile, terms.counts.size - 1)
        t = terms.listed[number * terms.most :][: terms.counts[number]].astype(np.int64)
        r = np.arange(first, first + height)
        left = A.values[A.first + r[:, None] * A.row + t * A.term]
        row, step = (1, terms.high) if transposed else (columns, 1)
        right = B[b_first + t[:, None] * row + np.arange(columns) * step]
        C[c_first + first * columns : c_first + (first + height) * columns] = (left @ right).ravel()


def tile_start(tile, rows):
    """Return the first row of a tile: the last one is moved back to be full, and computes some rows again."""
    return max(min(tile * ROWS, rows - ROWS), 0)


start_of = jit.inner(tile_start)


@overload(multiply, jit_options=jit.INNER_OPTIONS)
def _multiply_compiled(A, terms, B, b_first, C, c_first, rows, columns, panel, transposed):
    lanes = VECTOR_BYTES * 8 // C.dtype.bitwidth
    wide = lanes * VECTORS

    def compiled(A, terms, B, b_first, C, c_first, rows, columns, panel, transposed):
        values, term, listed = A.values, A.term, terms.listed
        copied = rows >= COPY_ROWS and columns >= COPY_VECTORS * lanes
        copied = copied and (terms.high - terms.low > COPY_TERMS or columns % (8 * lanes) == 0)
        # Columns outside: a panel of B stays in the cache while all rows pass.
        for column in range(0, columns, wide):
            left = columns - column
            right, b, b_row = B, b_first + column, columns
            if transposed:
                turn(B, b_first + column * terms.high, min(left, wide), terms.high, panel, wide)
                right, b, b_row = panel, 0, wide
            elif copied:
                copy_panel(B, b, columns, terms.low, terms.high, min(left, wide), panel, wide)
                right, b, b_row = panel, -terms.low * wide, wide
            for tile in range(rows if rows < ROWS else (rows + ROWS - 1) // ROWS):
                if rows < ROWS:  # each row is a tile, all of whose rows are this one
                    first, row, c_row, number = tile, 0, 0, 0
                else:
                    first, row, c_row, number = start_of(tile, rows), A.row, columns, min(tile, terms.counts.size - 1)
                a, c = A.first + first * A.row, c_first + first * columns + column
                t, n = number * terms.most, terms.counts[number]
                if left >= wide:
                    full_tile(values, a, row, term, listed, t, n, right, b, b_row, C, c, c_row, 0)
                elif left > 3 * lanes:
                    tile_4(values, a, row, term, listed, t, n, right, b, b_row, C, c, c_row, left - 3 * lanes)
                elif left > 2 * lanes:
                    tile_3(values, a, row, term, listed, t, n, right, b, b_row, C, c, c_row, left - 2 * lanes)
                elif left > lanes:
                    tile_2(values, a, row, term, listed, t, n, right, b, b_row, C, c, c_row, left - lanes)
                else:
                    tile_1(values, a, row, term, listed, t, n, right, b, b_row, C, c, c_row, left)

    return compiled


@jit.inner
def copy_panel(B, b, b_row, low, high, columns, panel, wide):
    """Copy some columns of the terms `low` to `high` of B."""
    for t in range(low, high):
        source, copy = B[b + t * b_row : b + t * b_row + columns], panel[(t - low) * wide : (t - low) * wide + columns]
        for j in range(copy.size):
            copy[j] = source[j]


def turn(W, first, rows, columns, turned, height):
    """Write rows of W, the first of which begins at `first`, as columns of `turned`; its rows have `height` numbers."""
    turn_numbers(W, first, rows, columns, turned, height)


@overload(turn, jit_options=jit.INNER_OPTIONS)
def _turn_compiled(W, first, rows, columns, turned, height):
    lanes = VECTOR_BYTES * 8 // W.dtype.bitwidth

    def compiled(W, first, rows, columns, turned, height):
        if rows < lanes or columns < lanes:
            turn_numbers(W, first, rows, columns, turned, height)
        else:
            for start in range(0, columns, lanes):
                j = min(start, columns - lanes)
                for strip in range(0, rows, lanes):
                    i = min(strip, rows - lanes)
                    turn_square(W, first + i * columns + j, columns, turned, j * height + i, height)

    return compiled


@jit.inner
def turn_numbers(W, first, rows, columns, turned, height):
    """Do what `turn` says, number by number."""
    for i in range(rows):
        for j in range(columns):
            turned[j * height + i] = W[first + i * columns + j]


@intrinsic
def turn_square(context, W, w_first, w_row, turned, t_first, t_row):
    """Turn a square whose rows are vectors: they are shuffled in the registers."""

    def generate(context, builder, signature, arguments):
        values = data_of(context, builder, signature, arguments)
        lanes = VECTOR_BYTES * 8 // W.dtype.bitwidth
        builder.call(_function(builder.module, f"minnet_turn_{W.dtype}", values, _write_square, lanes), values)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(W, whole, whole, turned, whole, whole), generate


def _write_square(builder, lanes, W, w_first, w_row, turned, t_first, t_row):
    """Write the instructions of `turn_square`.

    Interleaving row i with row i + lanes / 2 moves the highest bit of a number's row to the end of its place; after as
    many rounds as a row number has bits, row and column have changed places.
    """
    vector, index = ir.VectorType(W.type.pointee, lanes), ir.VectorType(ir.IntType(32), lanes)

    def place(matrix, first, row, number):
        start = builder.gep(matrix, [builder.add(first, builder.mul(row, INTEGER(number)))])
        return builder.bitcast(start, vector.as_pointer())

    rows = [builder.load(place(W, w_first, w_row, i), align=1) for i in range(lanes)]
    half = lanes // 2
    for _ in range(lanes.bit_length() - 1):
        pairs = []
        for i in range(half):
            for start in (0, half):
                order = [start + number // 2 + lanes * (number % 2) for number in range(lanes)]
                pairs.append(builder.shuffle_vector(rows[i], rows[i + half], ir.Constant(index, order)))
        rows = pairs
    for i in range(lanes):
        builder.store(rows[i], place(turned, t_first, t_row, i), align=1)


def make_tile(vectors, masked):
    """Return the tile with so many vectors of columns; `masked`: only `left` lanes of the last vector are there."""

    @intrinsic
    def tile(context, A, a_first, a_row, a_term, terms, t_first, n_terms, B, b_first, b_term, C, c_first, c_row, left):
        whole = types.int64
        signature = types.void(A, whole, whole, whole, terms, whole, whole, B, whole, whole, C, whole, whole, whole)

        def generate(context, builder, signature, arguments):
            values = data_of(context, builder, signature, arguments)
            lanes = VECTOR_BYTES * 8 // C.dtype.bitwidth
            name = f"minnet_tile_{C.dtype}_{vectors}{'_masked' if masked else ''}"
            builder.call(_function(builder.module, name, values, _write_tile, lanes, vectors, masked), values)
            return context.get_dummy_value()

        return signature, generate

    return tile


def data_of(context, builder, signature, arguments):
    """Return the arguments of an intrinsic, pointers in place of arrays."""
    return [
        context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
        for kind, value in zip(signature.args, arguments)
    ]


def spread(builder, scalar, lanes):
    """Return a vector that holds a number in every lane."""
    kind = ir.VectorType(scalar.type, lanes)
    nothing = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(nothing, scalar, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
    return builder.shuffle_vector(one, nothing, zeros)


def _function(module, name, values, write, *details):
    """Return a function of the module, written once: inlining it at every call would take long to compile."""
    if name in module.globals:
        return module.globals[name]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [value.type for value in values]), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    write(builder, *details, *function.args)
    builder.ret_void()
    return function


def _write_tile(builder, lanes, vectors, masked, *arguments):
    real = arguments[_Tile.ARGUMENTS.index("C")].type.pointee
    _Tile(builder, real, lanes, vectors, masked).write(*arguments)


class _Tile:
    """Writes the instructions of one tile."""

    ARGUMENTS = ("A", "a", "a_row", "a_term", "terms", "t", "n", "B", "b", "b_term", "C", "c", "c_row", "left")

    def __init__(self, builder, real, lanes, vectors, masked):
        self.builder, self.lanes, self.vectors = builder, lanes, vectors
        self.vector = ir.VectorType(real, lanes)
        self.masked = masked
        self.mask = None

    def write(self, A, a, a_row, a_term, terms, t, n, B, b, b_term, C, c, c_row, left):
        builder = self.builder
        if self.masked:
            numbers = ir.Constant(ir.VectorType(INTEGER, self.lanes), list(range(self.lanes)))
            self.mask = builder.icmp_signed("<", numbers, spread(builder, left, self.lanes))
        starts = [self.at(A, builder.add(a, builder.mul(a_row, INTEGER(r)))) for r in range(ROWS)]
        terms, B, C = self.at(terms, t), self.at(B, b), self.at(C, c)
        zero = ir.Constant(self.vector, None)

        def add_term(position, sums):
            term = builder.sext(builder.load(self.at(terms, position)), INTEGER)
            row = self.at(B, builder.mul(term, b_term))
            there = [self.load(row, v) for v in range(self.vectors)]
            step = builder.mul(term, a_term)
            added = []
            for r in range(ROWS):
                factor = spread(builder, builder.load(self.at(starts[r], step)), self.lanes)
                for v in range(self.vectors):
                    product = builder.fmul(factor, there[v], flags=("contract",))
                    added.append(builder.fadd(product, sums[r * self.vectors + v], flags=("contract",)))
            return added

        sums = self.loop(n, [zero] * (ROWS * self.vectors), add_term)
        for r in range(ROWS):
            row = self.at(C, builder.mul(c_row, INTEGER(r)))
            for v in range(self.vectors):
                self.store(sums[r * self.vectors + v], row, v)

    def loop(self, n, initial, body):
        """Write ``for i in range(n): values = body(i, values)`` with the values in registers; return the last ones."""
        builder = self.builder
        before, head = builder.block, builder.append_basic_block("head")
        inside, after = builder.append_basic_block("inside"), builder.append_basic_block("after")
        builder.branch(head)
        builder.position_at_end(head)
        i = builder.phi(INTEGER)
        i.add_incoming(INTEGER(0), before)
        values = [builder.phi(value.type) for value in initial]
        for phi, value in zip(values, initial):
            phi.add_incoming(value, before)
        builder.cbranch(builder.icmp_signed("<", i, n), inside, after)
        builder.position_at_end(inside)
        following = body(i, values)
        i.add_incoming(builder.add(i, INTEGER(1)), builder.block)
        for phi, value in zip(values, following):
            phi.add_incoming(value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return values

    def at(self, pointer, offset):
        return self.builder.gep(pointer, [offset])

    def place(self, row, v):
        return self.builder.bitcast(self.at(row, INTEGER(v * self.lanes)), self.vector.as_pointer())

    def load(self, row, v):
        place = self.place(row, v)
        if self.masked and v == self.vectors - 1:
            return self.call("load", self.vector, [place, ir.IntType(32)(1), self.mask, ir.Constant(self.vector, None)])
        return self.builder.load(place, align=1)

    def store(self, value, row, v):
        place = self.place(row, v)
        if self.masked and v == self.vectors - 1:
            self.call("store", ir.VoidType(), [value, place, ir.IntType(32)(1), self.mask])
        else:
            self.builder.store(value, place, align=1)

    def call(self, what, returned, arguments):
        kind = "f32" if isinstance(self.vector.element, ir.FloatType) else "f64"
        signature = ir.FunctionType(returned, [argument.type for argument in arguments])
        name = f"llvm.masked.{what}.v{self.lanes}{kind}.p0"
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, signature, name), arguments)


full_tile = make_tile(VECTORS, masked=False)
tile_1, tile_2, tile_3, tile_4 = (make_tile(vectors, masked=True) for vectors in (1, 2, 3, 4))
