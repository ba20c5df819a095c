"""What the columns of the panel are called on the page, and what they mean."""

from __future__ import annotations

import pandas as pd

from lucidna.report.tables import is_end

#: What the columns of the panel mean, in the words of the page; in the order of the page.
MEANINGS = {
    "score": ("score", "mean rank percentile, among what passed in the fold, of the criteria that count: 1 is best"),
    "c_cos": (
        "consensus cosine",
        "agreement of whole maps with the re-weighted consensus of the other networks",
    ),
    "c_snr": (
        "consensus SNR",
        "signal at the consensus' strongest positions over the largest values elsewhere",
    ),
    "c_auc": ("consensus AUROC", "how well maps separate the consensus' strongest positions from the rest"),
    "c_local": (
        "local agreement",
        "agreement with the consensus in what differs between regions: a map that is the same everywhere has none",
    ),
    "c_second": (
        "beyond the best site",
        "how well maps separate the consensus' strongest positions from the rest, their own strongest site left out",
    ),
    "c_isolation": (
        "isolation",
        "how far the largest values where the consensus has nothing exceed their neighbours: spikes have much",
    ),
    "sl_con": ("seqlet recurrence", "similarity of a map's strongest windows with those of other sequences"),
    "soft_kmer6": ("weighted 6-mers", "enrichment of 6-mers weighted by importance, on sequences held out"),
    "m1cf": ("ACME 1, cross-fitted", "k-mer divergence of important positions, on sequences held out"),
    "m2cf": (
        "ACME 2, cross-fitted",
        "divergence of the directions of contributions, on sequences held out: noise gives 0",
    ),
    "ac1_g": ("autocorrelation", "of neighbouring contributions"),
    "selfsnr": ("self SNR", "signal at a map's own smoothed strongest positions over the largest elsewhere"),
    "agreement": ("plain agreement", "cosine with the mean map of the other networks, without re-weighting"),
    "family_agreement": ("seed agreement", "cosine with the other seeds of the same architecture and recipe"),
    "fold_agreement": (
        "fold agreement",
        "cosine with the maps that the same architecture and recipe gives here when trained on other folds",
    ),
    "control_share": (
        "share on the control",
        "share of the squared map where networks trained on a control track have theirs: low is good",
    ),
    "rc_stability": ("reverse complement", "cosine of the map with that of the other strand, turned back"),
    "shift_stability": ("shift", "cosine of the map with those of the sequence moved by 1 to 3 bp, moved back"),
    "mutation_stability": (
        "unimportant mutations",
        "cosine of the map before and after a fifth of the positions, of low importance, are mutated",
    ),
    "noise_stability": ("input noise", "cosine of the map with that of the sequence plus noise"),
    "retention_stability": (
        "retention",
        "cosine of the map at its top fifth of positions, before and after all others are shuffled",
    ),
    "insertion": (
        "insertion",
        "share of the prediction recovered when only the map's top 5 to 40 % of positions are kept",
    ),
    "ism_agreement": ("ISM agreement", "cosine of the map with the effects of single-base changes"),
    "random_last": (
        "last layer redrawn",
        "absolute cosine of the map with that of the network with a new last layer: low is good",
    ),
    "random_all": (
        "all layers redrawn",
        "absolute cosine of the map with that of the network with new weights: low is good",
    ),
    "deletion": (
        "deletion",
        "share of the prediction lost with the map's top 5 to 40 % of positions: high is not good, brittle networks "
        "lose more",
    ),
    "angle_over_30": (
        "angle over 30°",
        "share of positions whose gradient leaves the simplex by more than 30°",
    ),
    "angle_over_45": ("angle over 45°", "the same beyond 45°"),
    "angle_over_60": ("angle over 60°", "the same beyond 60°"),
    "m1": ("ACME 1", "k-mer divergence of important positions, as published; for comparison"),
    "sl_con_null": ("recurrence, null", "seqlet recurrence of the same map with permuted positions"),
    "m1_null": ("ACME 1, null", "the same with rolled masks"),
    "m2": ("ACME 2", "divergence of the directions of contributions, as published; for comparison"),
    "m2_null": ("ACME 2, null", "the same with random directions"),
    "m2_permuted_null": ("ACME 2, permuted", "the same with permuted positions"),
}
#: Metrics of prediction beside the one that is called prediction, in the order of the page.
PREDICTION = {
    "valid_loss": ("validation loss", "low is good"),
    "aupr": ("AUPR", "validation, mean over tracks"),
    "spearman": ("Spearman", "of log counts, validation, mean over tracks"),
    "mse": ("MSE", "of log counts, validation, mean over tracks: low is good"),
    "jsd": ("profile JSD", "Jensen-Shannon distance of profiles, validation, mean over tracks: low is good"),
    "calibration_error": (
        "calibration error",
        "mean distance of predicted and measured averages over ten bins of predictions, validation: low is good",
    ),
}

#: The columns of the panel beside rank and candidate, by what they tell; shown one group at a time.
GROUPS = {
    "Agreement": (
        *("c_cos", "c_snr", "c_auc", "c_local", "c_second", "c_isolation"),
        *("agreement", "family_agreement", "fold_agreement"),
    ),
    "Each network alone": (
        *("sl_con", "sl_con_null", "soft_kmer6", "m1cf", "m2cf", "ac1_g", "selfsnr"),
        *("m1", "m1_null", "m2", "m2_null", "m2_permuted_null"),
    ),
    "Stability": (
        "rc_stability",
        "shift_stability",
        "mutation_stability",
        "noise_stability",
        "retention_stability",
    ),
    "Faithfulness": (
        *("insertion", "ism_agreement", "random_last", "random_all", "deletion"),
        *("angle_over_30", "angle_over_45", "angle_over_60"),
    ),
}

#: Columns of numbers that are no criterion of the maps.
OTHER = ("prediction", *PREDICTION, "rank", "family_rank", "top_share", "consensus_weight", "seed")


def label_of(name: str) -> str:
    """Return a criterion's name as the page writes it."""
    return MEANINGS[name][0] if name in MEANINGS else name.replace("_", " ")


def criteria_of(panel: pd.DataFrame) -> list[str]:
    """Return the columns of the panel that measure maps, in the order of the page."""
    numeric = [
        name
        for name in panel.columns
        if pd.api.types.is_float_dtype(panel[name])
        and not is_end(name, panel.columns)
        and name not in OTHER
        and not name.endswith("_shuffled")
        and panel[name].notna().any()
    ]
    order = list(MEANINGS)
    return sorted(numeric, key=lambda name: order.index(name) if name in order else len(order))
