"""The seqlets that TF-MoDISco extracts before its cap, counted as `modisco motifs` counts them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lucidna.errors import UserError

_SEQLET_FDR = 0.05  # what `modisco motifs` always uses


@dataclass(frozen=True)
class Widths:
    """Widths in which TF-MoDISco works, in bp; the defaults are the command's own, made for motifs of 8 to 20 bp.

    Short motifs drown in seqlets that are much wider than they are: for motifs of 6 to 8 bp in a compact genome,
    a core of 10, a pattern of 20 and growth of 5 find more of them.

    Attributes
    ----------
    core : int
        Width over which contributions are summed to find seqlets.
    flank : int
        Added to each side of the core.
    trim : int
        Width to which patterns are cut.
    growth : int
        Added to each side of a pattern afterwards.
    """

    core: int = 20
    flank: int = 5
    trim: int = 30
    growth: int = 10

    @property
    def seqlet(self) -> int:
        """Width of a seqlet in a finished pattern."""
        return self.trim + 2 * self.growth

    @property
    def arguments(self) -> list[str]:
        """The options of the command."""
        values = {"-z": self.core, "-f": self.flank, "-t": self.trim, "-g": self.growth}
        return [word for option, value in values.items() for word in (option, str(value))]


DEFAULT_WIDTHS = Widths()


def count_seqlets(projected: np.ndarray, widths: Widths = DEFAULT_WIDTHS) -> dict[str, tuple[int, float]]:
    """Count the seqlets of each sign that `modisco motifs` finds, before its cap.

    Parameters
    ----------
    projected : ndarray, float32, shape (N, W)
        Projected maps.
    widths : Widths

    Returns
    -------
    dict
        Keys "pos" and "neg": the number of seqlets, and the median sum of |contribution| over the bp that
        a pattern made of them would span, in the units of `projected` (0 without seqlets).

    Raises
    ------
    UserError
        When the window sums of the maps are all of one sign, so that no threshold can be set.
    """
    # Imported here: the package loads numba, which planning a workflow does not need.
    import numba
    from modiscolite.extract_seqlets import extract_seqlets

    threads = numba.get_num_threads()
    numba.set_num_threads(1)  # with more, modiscolite forks this process
    try:
        with np.errstate(all="ignore"):
            found, threshold = extract_seqlets(
                attribution_scores=projected,
                window_size=widths.core,
                flank=widths.flank,
                suppress=int(0.5 * widths.core) + widths.flank,
                target_fdr=_SEQLET_FDR,
                min_passing_windows_frac=0.03,
                max_passing_windows_frac=0.2,
                weak_threshold_for_counting_sign=0.8,
            )
    except (ValueError, IndexError, ZeroDivisionError) as error:
        raise UserError(
            "TF-MoDISco cannot set its seqlet threshold: the sums of the contributions in windows of "
            f"{widths.core} bp have one sign in all {len(projected)} maps, or no spread; give it more regions or other "
            "maps"
        ) from error
    finally:
        numba.set_num_threads(threads)
    sums = np.array([projected[s.example_idx, s.start + widths.flank : s.end - widths.flank].sum() for s in found])
    strength = np.abs(projected).cumsum(axis=1, dtype=np.float64)
    last = projected.shape[1] - 1
    pad = max((widths.seqlet - widths.core) // 2 - widths.flank, 0)
    sizes = np.array(
        [
            strength[s.example_idx, min(s.end + pad, last)] - strength[s.example_idx, max(s.start - pad, 0)]
            for s in found
        ]
    )
    members = {"pos": sums > threshold, "neg": sums < -threshold}
    return {sign: (int(x.sum()), float(np.median(sizes[x])) if x.any() else 0.0) for sign, x in members.items()}
