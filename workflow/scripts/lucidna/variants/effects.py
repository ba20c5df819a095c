"""What a network predicts for either allele, and what the networks say together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import nn

from lucidna.sequence import one_hot
from lucidna.variants.windows import shared_positions


class Effects(NamedTuple):
    """Predictions of one network.

    Attributes
    ----------
    reference, alternative : array
        float64 (N, T), logits or log1p counts.
    jsd : array or None
        float64 (N, T), Jensen-Shannon divergence in bits between the two profiles of a track, all its strands
        together; None without a profile head.
    """

    reference: np.ndarray
    alternative: np.ndarray
    jsd: np.ndarray | None


def predict_alleles(
    model: nn.Module,
    reference: np.ndarray,
    alternative: np.ndarray,
    allele_lengths: np.ndarray,
    *,
    channels: list[list[int]],
    batch_size: int = 64,
    device: str = "cpu",
) -> Effects:
    """Predict both windows of every variant.

    Parameters
    ----------
    model : nn.Module
        Takes (N, 4, L); gives (N, T), or profile logits (N, C, L_out) and log counts (N, T). Control tracks
        are read as zeros.
    reference, alternative : array
        uint8 codes (N, L) of `windows.allele_windows`.
    allele_lengths : array
        int64 (N, 2), bp of the reference and the alternative allele.
    channels : list of list of int
        For each task, its rows among C.
    batch_size : int
        Variants per pass.
    device : str
        Where to run; the network is moved there.
    """
    model.to(device).eval()
    parts: list[tuple] = []
    length = reference.shape[1]
    for start in range(0, len(reference), batch_size):
        rows = slice(start, start + batch_size)
        found = [_predict(model, codes[rows], device=device) for codes in (reference, alternative)]
        jsd = None
        if found[0][1] is not None:
            jsd = np.array(
                [
                    [profile_jsd(first[rows_of], second[rows_of], lengths, length=length) for rows_of in channels]
                    for first, second, lengths in zip(found[0][1], found[1][1], allele_lengths[rows], strict=True)
                ]
            )
        parts.append((found[0][0], found[1][0], jsd))
    scalars = [np.concatenate([part[index] for part in parts]) for index in (0, 1)]
    profiles = None if parts[0][2] is None else np.concatenate([part[2] for part in parts])
    return Effects(scalars[0], scalars[1], profiles)


def _predict(model: nn.Module, codes: np.ndarray, *, device: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return scalars float64 (n, T) and profile logits float64 (n, C, L_out) or None."""
    with torch.no_grad():
        output = model(one_hot(torch.from_numpy(codes).to(device)).float())
    if isinstance(output, tuple):
        return output[1].double().cpu().numpy(), output[0].double().cpu().numpy()
    return output.double().cpu().numpy(), None


def profile_jsd(reference: np.ndarray, alternative: np.ndarray, lengths: np.ndarray, *, length: int) -> float:
    """Return the Jensen-Shannon divergence, in bits, of two profiles over the bases that both alleles have.

    Parameters
    ----------
    reference, alternative : array
        Profile logits of a track, (strands, L_out).
    lengths : array
        bp of the two alleles.
    length : int
        bp of the input.
    """
    first, second = shared_positions(*lengths.tolist(), length=length, output=reference.shape[1])
    p, q = _softmax(reference[:, first]), _softmax(alternative[:, second])
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nansum(p * np.log2(p / middle)) + np.nansum(q * np.log2(q / middle))
    return float(terms / 2)


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def summarise(effects: list[Effects], task: int) -> pd.DataFrame:
    """Return what several networks say of one task, one row per variant.

    Returns
    -------
    DataFrame
        reference, alternative (mean predictions), log2_change (mean; of the odds or of 1 + counts),
        log2_change_sd (over networks, n - 1; NaN for one), sign_agreement (share of networks with the mean's
        sign), n_networks, and jsd, jsd_sd with a profile head.
    """
    reference = np.stack([found.reference[:, task] for found in effects])
    alternative = np.stack([found.alternative[:, task] for found in effects])
    change = (alternative - reference) / np.log(2)
    mean = change.mean(axis=0)
    table = pd.DataFrame(
        {
            "reference": reference.mean(axis=0),
            "alternative": alternative.mean(axis=0),
            "log2_change": mean,
            "log2_change_sd": _spread(change),
            "sign_agreement": (np.sign(change) == np.sign(mean)).mean(axis=0),
            "n_networks": len(effects),
        }
    )
    if effects[0].jsd is not None:
        jsd = np.stack([found.jsd[:, task] for found in effects])
        table["jsd"], table["jsd_sd"] = jsd.mean(axis=0), _spread(jsd)
    return table


def _spread(values: np.ndarray) -> np.ndarray:
    return values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan)
