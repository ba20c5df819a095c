import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from lucidna.errors import UserError
from lucidna.folds import assign, balanced_groups, expand_folds

SIZES = {"chr1": 100, "chr2": 90, "chr3": 80, "chr4": 70, "chr5": 60}


def regions(counts):
    chrom = [name for name, n in counts.items() for _ in range(n)]
    return pd.DataFrame({"chrom": chrom, "role": ["peak"] * len(chrom)})


ROWS = regions({"chr1": 5, "chr2": 4, "chr3": 3, "chr4": 2})


def test_auto_folds_are_named_without_data():
    assert expand_folds({"auto": 3}) == {f"fold{i}": {"auto": 3, "index": i} for i in range(3)}
    assert expand_folds(expand_folds({"auto": 3})) == expand_folds({"auto": 3})


def test_named_folds_keep_their_lists():
    folds = {
        "a": {"valid": ["chr1"], "test": ["chr2", "chr3"]},
        "b": {"valid": [4], "test": ["x"], "train": ["y"]},
    }
    assert expand_folds(folds) == {
        "a": {"valid": ["chr1"], "test": ["chr2", "chr3"]},
        "b": {"valid": ["4"], "test": ["x"], "train": ["y"]},
    }
    json.dumps(expand_folds(folds))


def test_planning_loads_neither_pandas_nor_torch(root):
    code = "import sys, lucidna.folds; print('pandas' in sys.modules or 'torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=root / "workflow" / "scripts",
        env={"PYTHONPATH": str(root / "workflow" / "scripts")},
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("k", [0, 1, 2, True, "3", 2.5])
def test_auto_needs_at_least_three_groups(k):
    with pytest.raises(UserError, match=r"folds.auto' is .*at least 3"):
        expand_folds({"auto": k})


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ({}, "'folds' is empty"),
        ({"auto": 3, "a": {"valid": ["x"], "test": ["y"]}}, "both 'auto' and 'a'"),
        ({"a": {"valid": ["x"]}}, "'folds.a' has no 'test'"),
        ({"a": {"valid": [], "test": ["x"]}}, "'folds.a' has no 'valid'"),
        ({"a": {"valid": ["x", "y"], "test": ["z", "x"]}}, "'folds.a' has 'x' in both valid and test"),
        ({"a": {"valid": ["x"], "test": ["z"], "train": ["z"]}}, "'folds.a' has 'z' in both train and test"),
    ],
)
def test_bad_folds(folds, message):
    with pytest.raises(UserError, match=message):
        expand_folds(folds)


def test_named_fold_trains_on_the_rest():
    split = assign(ROWS, {"a": {"valid": ["chr3"], "test": ["chr4", "chr5"]}}, SIZES)["a"]
    assert split.tolist() == ["train"] * 9 + ["valid"] * 3 + ["test"] * 2


def test_listed_training_chromosomes_leave_the_others_unused():
    split = assign(ROWS, {"a": {"valid": ["chr3"], "test": ["chr4"], "train": ["chr2"]}}, SIZES)["a"]
    assert split.tolist() == ["unused"] * 5 + ["train"] * 4 + ["valid"] * 3 + ["test"] * 2


def test_auto_folds_test_every_region_once_and_are_balanced():
    rng = np.random.default_rng(0)
    sizes = {f"chr{i}": 1000 for i in range(20)}
    rows = regions({name: int(rng.integers(20, 200)) for name in sizes})
    splits = assign(rows, {"auto": 5}, sizes)
    table = np.stack(list(splits.values()))
    assert ((table == "test").sum(axis=0) == 1).all()
    assert ((table == "valid").sum(axis=0) == 1).all()
    assert ((table == "train").sum(axis=0) == 3).all()
    n_test = (table == "test").sum(axis=1)
    assert n_test.max() < 1.1 * n_test.min()
    for fold in range(5):
        np.testing.assert_array_equal(table[fold] == "valid", table[(fold + 1) % 5] == "test")
    for chrom in sizes:
        assert len(set(splits["fold0"][rows["chrom"] == chrom])) == 1


def test_one_expanded_fold_equals_that_fold_among_all():
    folds = expand_folds({"auto": 3})
    every = assign(ROWS, folds, SIZES)
    for fold, parts in folds.items():
        np.testing.assert_array_equal(assign(ROWS, {fold: parts}, SIZES)[fold], every[fold])


def test_groups_are_filled_by_falling_count():
    labels = ROWS["chrom"].to_numpy(str)
    assert balanced_groups(labels, list(SIZES), 3) == [["chr1"], ["chr2"], ["chr3", "chr4"]]


@pytest.mark.parametrize(("name", "guess"), [("1", "chr1"), ("chr11", "chr1"), ("Chr2", "chr2"), ("chrIV", "chr4")])
def test_an_unknown_chromosome_is_named_with_the_nearest(name, guess):
    with pytest.raises(UserError, match=rf"'folds.a.valid' has '{name}'.*did you mean '{guess}'"):
        assign(ROWS, {"a": {"valid": [name], "test": ["chr3"]}}, SIZES)


@pytest.mark.parametrize(
    ("fold", "split"),
    [
        ({"valid": ["chr5"], "test": ["chr1"]}, r"valid split \(chr5\)"),
        ({"valid": ["chr1"], "test": ["chr5"]}, r"test split \(chr5\)"),
        ({"valid": ["chr1", "chr2"], "test": ["chr3", "chr4"]}, "train split"),
        ({"valid": ["chr1"], "test": ["chr3"], "train": ["chr5"]}, r"train split \(chr5\)"),
    ],
)
def test_a_split_without_peaks_is_an_error(fold, split):
    with pytest.raises(UserError, match=f"fold 'a' has 0 peaks in its {split}"):
        assign(ROWS, {"a": fold}, SIZES)


def test_a_validation_split_may_need_more_than_one_peak():
    fold = {"a": {"valid": ["chr1"], "test": ["chr3"]}}
    n = int(((ROWS["chrom"] == "chr1") & (ROWS["role"] == "peak")).sum())
    assert (assign(ROWS, fold, SIZES, fewest_valid=n)["a"][(ROWS["chrom"] == "chr1").to_numpy()] == "valid").all()
    with pytest.raises(
        UserError, match=rf"{n} peaks in its valid split \(chr1\) and the ranking needs {n + 1} or more"
    ):
        assign(ROWS, fold, SIZES, fewest_valid=n + 1)


def test_negatives_alone_do_not_fill_a_split():
    rows = ROWS.assign(role=np.where(ROWS["chrom"] == "chr4", "negative", "peak"))
    with pytest.raises(UserError, match="fold 'a' has 0 peaks in its test split"):
        assign(rows, {"a": {"valid": ["chr1"], "test": ["chr4"]}}, SIZES)


def test_more_groups_than_chromosomes_with_regions_is_an_error():
    with pytest.raises(UserError, match=r"'folds.auto' is 5, but only 4 chromosomes have regions"):
        assign(ROWS, {"auto": 5}, SIZES)


def test_sequences_are_split_by_group():
    rows = pd.DataFrame({"chrom": ".", "role": "peak", "group": ["a", "a", "b", "c", "c", "c"]})
    split = assign(rows, {"f": {"valid": ["a"], "test": ["b"]}})["f"]
    assert split.tolist() == ["valid", "valid", "test", "train", "train", "train"]
    automatic = assign(rows, {"auto": 3})
    assert automatic["fold0"].tolist() == ["valid"] * 2 + ["train"] + ["test"] * 3
    with pytest.raises(UserError, match=r"'folds.f.test' has 'd', which is no group"):
        assign(rows, {"f": {"valid": ["a"], "test": ["d"]}})


def test_sequences_without_groups_are_split_at_random():
    rows = pd.DataFrame({"chrom": ["."] * 1000, "role": "peak"})
    splits = assign(rows, {"auto": 4}, seed=0)
    table = np.stack(list(splits.values()))
    assert ((table == "test").sum(axis=0) == 1).all()
    assert ((table == "test").sum(axis=1) == 250).all()
    np.testing.assert_array_equal(assign(rows, {"auto": 4}, seed=0)["fold0"], splits["fold0"])
    assert (assign(rows, {"auto": 4}, seed=1)["fold0"] != splits["fold0"]).any()
    with pytest.raises(UserError, match=r"sequences.group, or use \{auto: k\}"):
        assign(rows, {"f": {"valid": ["a"], "test": ["b"]}})
