"""The loops of the dinucleotide shuffle, compiled; `lucidna.sequence.dinucleotide_shuffle` is what to call."""

import numpy as np

from lucidna.compiled import compiled

_SPLITMIX = np.uint64(0x9E3779B97F4A7C15)


@compiled
def _mix(value):
    """Scramble 64 bits (the finaliser of splitmix64; Steele, Lea, Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def _below(state, bound):
    """Draw an integer in [0, bound), bound < 2**32, and step the generator `state` (uint64 (1,))."""
    state[0] += _SPLITMIX
    return np.int64(((_mix(state[0]) >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@compiled
def shuffle_rows(codes, seed, rows, out):
    """Write `out.shape[1]` shuffles of each row of `codes` (n, L) to `out` (n, draws, L), all uint8."""
    n, length = codes.shape
    state = np.empty(1, dtype=np.uint64)
    edges = np.empty((4, max(length, 1)), dtype=np.uint8)
    for i in range(n):
        for draw in range(out.shape[1]):
            # Mixing after each part keeps (seed, row, draw) triples from meeting in one state.
            state[0] = _mix(_mix(_mix(seed + _SPLITMIX) + rows[i] + _SPLITMIX) + np.uint64(draw) + _SPLITMIX)
            start = 0
            while start < length:
                if codes[i, start] == 4:
                    out[i, draw, start] = 4
                    start += 1
                    continue
                end = start
                while end < length and codes[i, end] != 4:
                    end += 1
                _shuffle_run(codes[i, start:end], state, edges, out[i, draw, start:end])
                start = end


@compiled
def _shuffle_run(run, state, edges, out):
    """Write one uniformly random Eulerian walk of `run` (m,), without N, to `out` (m,)."""
    m = len(run)
    count = np.zeros(4, dtype=np.int64)
    for k in range(m - 1):
        edges[run[k], count[run[k]]] = run[k + 1]
        count[run[k]] += 1

    # Wilson: walk at random from each base not yet in the tree until the tree is met; the edge by which the
    # walk last left a base is that base's last edge. Edges are drawn by number, so parallel edges count.
    root = run[m - 1]
    in_tree = np.zeros(4, dtype=np.bool_)
    in_tree[root] = True
    last = np.zeros(4, dtype=np.int64)
    for base in range(4):
        if count[base] == 0:
            continue
        at = base
        while not in_tree[at]:
            last[at] = _below(state, count[at])
            at = edges[at, last[at]]
        at = base
        while not in_tree[at]:
            in_tree[at] = True
            at = edges[at, last[at]]

    for base in range(4):
        free = count[base]
        if base != root and free > 0:
            free -= 1
            edges[base, last[base]], edges[base, free] = edges[base, free], edges[base, last[base]]
        for k in range(free - 1, 0, -1):
            j = _below(state, k + 1)
            edges[base, k], edges[base, j] = edges[base, j], edges[base, k]

    used = np.zeros(4, dtype=np.int64)
    at = run[0]
    out[0] = at
    for k in range(1, m):
        step = used[at]
        used[at] = step + 1
        at = edges[at, step]
        out[k] = at
