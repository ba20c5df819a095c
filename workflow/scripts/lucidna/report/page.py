"""Write the report of an experiment as one HTML file that needs nothing else to be read."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lucidna.errors import UserError
from lucidna.external.settings import only_maps
from lucidna.files import atomic_path
from lucidna.report import (
    attribution_section,
    given_section,
    motifs_section,
    provenance,
    ranked_section,
    ranking_section,
    summary_section,
    svg,
    training_section,
    truth_section,
    variants_section,
)
from lucidna.report.collect import Experiment

PARTS = ("page.html.j2", "style.css", "page.js")


def write_report(
    experiment_dir: str | Path,
    out_html: str | Path,
    *,
    config: dict,
    config_text: str,
    candidates: list[dict],
    title: str | None = None,
    examples: int = 6,
    truth_dir: str | Path | None = None,
    benchmarks_dir: str | Path | None = None,
    resources_dir: str | Path | None = None,
) -> None:
    """Write the report: one self-contained page, the same bytes for the same files.

    Files that are absent or empty are named on the page; they are no error.

    Parameters
    ----------
    experiment_dir : path
        results/<experiment>, with the folders data, train, rank, attribute, motifs and report.
    out_html : path
        The page; its links to other files are relative to its folder.
    config : dict
        The validated configuration.
    config_text : str
        The configuration as it is to be shown, verbatim.
    candidates : list of dict
        Every candidate of the grid.
    title : str, optional
        Default: the experiment's name.
    examples : int
        Number of example regions drawn for each task and head.
    truth_dir : path, optional
        Folder of the truth of simulated data; without it the comparison with the truth is left out.
    benchmarks_dir : path, optional
        Folder of Snakemake's benchmark files; default: ``benchmarks`` in `experiment_dir`.
    resources_dir : path, optional
        Folder of the template, the style sheet and the script; default: ``resources/report`` of the checkout
        that this module lies in.

    Raises
    ------
    UserError
        When `experiment_dir` does not exist, a file in it is damaged, or the template is not found.
    """
    root = Path(experiment_dir)
    if not root.is_dir():
        raise UserError(f"there is no folder '{root}' to report on: run the workflow first")
    resources = find_resources(resources_dir)
    benchmarks = Path(benchmarks_dir) if benchmarks_dir is not None else root / "benchmarks"
    experiment = Experiment(
        root=root,
        page=Path(out_html),
        config=config,
        candidates=candidates,
        truth=Path(truth_dir) if truth_dir is not None and Path(truth_dir).is_dir() else None,
        benchmarks=benchmarks if benchmarks.is_dir() else None,
        examples=examples,
    )
    context = page_context(experiment, config_text)
    context["title"] = title or str(config.get("experiment", root.name))
    context["style"] = (resources / "style.css").read_text(encoding="utf-8")
    context["script"] = (resources / "page.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(resources),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    page = environment.get_template("page.html.j2").render(context)
    with atomic_path(out_html) as temporary:
        temporary.write_text(page, encoding="utf-8")


def find_resources(resources_dir: str | Path | None) -> Path:
    """Return the folder of the template.

    Raises
    ------
    UserError
        When a file of the template is missing there.
    """
    folder = (
        Path(resources_dir) if resources_dir is not None else Path(__file__).resolve().parents[4] / "resources/report"
    )
    missing = [name for name in PARTS if not (folder / name).is_file()]
    if missing:
        raise UserError(
            f"the template of the report is not complete in '{folder}' ({', '.join(missing)} missing): "
            "give resources_dir, the folder resources/report of a checkout"
        )
    return folder


def page_context(experiment: Experiment, config_text: str) -> dict:
    """Collect what the template shows, section by section."""
    if "maps" in experiment.config:
        return given_context(experiment, config_text)
    if only_maps(experiment.config):
        return ranked_context(experiment, config_text)
    ranking = drawn_ranking(experiment)
    training = training_section.section(experiment)
    unmapped = attribution_section.why_unmapped(experiment)
    attribution = attribution_section.section(experiment, unmapped=unmapped)
    motifs = motifs_section.section(experiment, unmapped=unmapped)
    truth = truth_section.section(experiment, unmapped=unmapped) if experiment.truth is not None else None
    variants = variants_section.section(experiment)
    sections = [
        ("summary", "Verdict"),
        ("ranking", "Ranking"),
        ("training", "Training"),
        ("attribution", "Attribution maps"),
        ("motifs", "Motifs"),
        ("hits", "Hits"),
        *([("variants", "Variants")] if variants is not None else []),
        *([("truth", "Compared with the truth")] if truth is not None else []),
        ("provenance", "Provenance"),
    ]
    return {
        "experiment": experiment.config.get("experiment", experiment.root.name),
        "sections": sections,
        "summary": summary_section.section(experiment, ranking, training, motifs, unmapped=unmapped),
        "ranking": ranking,
        "training": training,
        "attribution": attribution,
        "motifs": motifs,
        "variants": variants,
        "truth": truth,
        "provenance": provenance.section(experiment, config_text),
    }


def drawn_ranking(experiment: Experiment) -> dict:
    """Collect the context of the ranking, with the marks of its legend."""
    ranking = ranking_section.section(experiment)
    ranking["shapes"] = [
        (name, svg.marker(svg.SHAPES[shape % len(svg.SHAPES)], 8, 7, 5))
        for name, shape in (ranking["legend"] or {}).get("architectures", [])
    ]
    ranking["cross"] = svg.marker("cross", 8, 7, 5)
    ranking["given"] = only_maps(experiment.config)
    return ranking


def ranked_context(experiment: Experiment, config_text: str) -> dict:
    """Collect what the template shows of maps that were ranked: there is nothing else."""
    ranking = drawn_ranking(experiment)
    return {
        "experiment": experiment.config.get("experiment", experiment.root.name),
        "sections": [("summary", "Verdict"), ("ranking", "Ranking"), ("provenance", "Provenance")],
        "summary": ranked_section.section(experiment, ranking),
        "ranking": ranking,
        **dict.fromkeys(("training", "attribution", "motifs", "variants", "truth")),
        "provenance": provenance.section(experiment, config_text),
    }


def given_context(experiment: Experiment, config_text: str) -> dict:
    """Collect what the template shows of maps that were made elsewhere: there is no ranking and no training."""
    motifs = motifs_section.section(experiment)
    return {
        "experiment": experiment.config.get("experiment", experiment.root.name),
        "sections": [
            ("summary", "Summary"),
            ("attribution", "Attribution maps"),
            ("motifs", "Motifs"),
            ("hits", "Hits"),
            ("provenance", "Provenance"),
        ],
        "summary": given_section.section(experiment, motifs),
        "ranking": None,
        "training": None,
        "attribution": attribution_section.section(experiment),
        "motifs": motifs,
        "variants": None,
        "truth": None,
        "provenance": provenance.section(experiment, config_text),
    }
