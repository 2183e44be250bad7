"""data -> model -> attack -> evaluate -> report: no room imports a later one."""

import ast
from pathlib import Path

import feint

SOURCE = Path(feint.__file__).parent

ROOMS = {
    0: (
        "errors",
        "files",
        "progress",
        "sequences",
        "skeleton",
        "series",
        "jobs",
        "engines",
        "lock",
        "parquet",
    ),
    1: ("data",),
    2: ("models", "baselines", "training", "motion", "facing"),
    3: ("budget", "attacks", "targets", "curves", "recogniser", "peers", "given"),
    4: (
        "tolerance",
        "batches",
        "censored",
        "evaluation",
        "summary",
        "checks",
        "experiment",
        "inspection",
        "sources",
        "own",
        "reach",
        "prepared",
        "probes",
        "specs",
        "artefacts",
        "collecting",
        "differences",
        "plan",
        "provenance",
        "psychometric",
        "results",
        "rows",
        "runs",
        "schedule",
        "status",
        "store",
        "tracking",
        "verification",
        "votes",
        "work",
        "attacked",
    ),
    5: ("report",),
    6: ("reproduction", "survey"),
    7: ("cli", "drawing", "survey_estimating", "survey_serving", "surveying"),
}
FLOOR = {name: floor for floor, names in ROOMS.items() for name in names}


def room(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            base = node.module or ""
            names |= {f"{base}.{alias.name}" for alias in node.names} if base == "feint" else {base}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("feint.")} & set(FLOOR)


def modules() -> list[Path]:
    return [p for p in SOURCE.rglob("*.py") if p != SOURCE / "__init__.py"]


def test_every_module_has_a_room():
    assert {room(path) for path in modules()} == set(FLOOR)


def test_no_room_imports_a_later_one():
    wrong = [
        f"{path.relative_to(SOURCE)} imports {name}"
        for path in modules()
        for name in imported(path)
        if FLOOR[name] > FLOOR[room(path)]
    ]
    assert wrong == []


def test_the_report_never_touches_a_model():
    for path in (SOURCE / "report").rglob("*.py"):
        assert not imported(path) & {"models", "training", "attacks"}, path


def test_the_test_sees_an_import():
    assert "sequences" in imported(SOURCE / "budget.py")
