"""The layout: which package may import which, no circles, short files and short functions."""

import ast
import re
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import feint

SOURCE = Path(feint.__file__).parent
FLAT = {"errors", "sequences", "skeleton", "columns", "config"}
ALLOWED = {  # package: the packages that it may import, beside the flat files
    "io": set(),
    "jobs": {"io"},
    "data": {"io"},
    "models": {"io"},
    "attacks": {"io", "data", "models"},
    "evaluation": {"io", "data", "models", "attacks"},
    "experiments": {"io", "data", "models", "attacks", "evaluation", "jobs"},
    "report": {"io", "data", "models", "evaluation", "experiments"},
    "survey": {"io", "data", "evaluation", "experiments", "report"},
    "reproduction": {
        "io",
        "data",
        "models",
        "attacks",
        "evaluation",
        "experiments",
        "jobs",
        "report",
        "survey",
    },
    "cli": {
        "io",
        "data",
        "models",
        "evaluation",
        "experiments",
        "jobs",
        "report",
        "survey",
        "reproduction",
    },
}
EXTRAS = {  # library of an extra: the modules that may import it
    "PIL": "feint.report",
    "alembic": "feint.survey",
    "art": "feint.attacks.external",
    "fastapi": "feint.survey",
    "imageio_ffmpeg": "feint.report",
    "jinja2": ("feint.report", "feint.reproduction"),
    "krippendorff": "feint.survey",
    "matplotlib": ("feint.report", "feint.reproduction", "feint.cli.figures"),
    "ray": "feint.jobs.engines",
    "rerun": "feint.report",
    "sqlalchemy": "feint.survey",
    "starlette": "feint.survey",
    "statsmodels": "feint.survey",
    "uvicorn": "feint.survey",
}
MOST_FLAT_FILES = 8
LONGEST_FILE = 300
LONGEST_FUNCTION = 60
KEBAB = "[a-z0-9]+(-[a-z0-9]+)*"


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imported(path: Path) -> set[str]:
    """Modules of feint that a file imports anywhere: at its top, in functions, for types."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                names.add(whole if whole in MODULES else node.module or "")
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name in MODULES and name != "feint"} - {name_of(path)}


def foreign(path: Path) -> set[str]:
    """Libraries that a file imports anywhere, beside Python's own and feint."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
    return names - set(sys.stdlib_module_names) - {"feint"}


EDGES = {name: imported(path) for name, path in MODULES.items() if name != "feint"}


def package(module: str) -> str:
    return module.split(".")[1]


def test_every_file_is_in_a_package_or_one_of_the_flat_ones() -> None:
    assert {package(name) for name in EDGES} == set(ALLOWED) | FLAT | {"__main__"}
    assert len(list(SOURCE.glob("*.py"))) <= MOST_FLAT_FILES


def test_no_package_imports_against_the_order() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, others in EDGES.items()
        for other in sorted(others)
        if package(other) not in {package(name)} | FLAT | ALLOWED.get(package(name), {"cli"})
    ]
    assert wrong == []


def test_the_report_never_runs_a_model() -> None:
    """It reads the configuration of models and the names of their checks, nothing else."""
    used = {o for n, others in EDGES.items() if package(n) == "report" for o in others}
    models = {name for name in used if package(name) == "models"}
    assert models <= {"feint.models.config", "feint.models.sanity_checks"}


def test_flat_files_import_only_each_other() -> None:
    for name in FLAT:
        assert {package(other) for other in EDGES[f"feint.{name}"]} <= FLAT, name


def test_no_import_circle() -> None:
    try:
        TopologicalSorter(EDGES).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_files_and_functions_are_short(name: str) -> None:
    text = MODULES[name].read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_what_the_base_install_lacks_is_imported_only_where_its_extra_is_needed() -> None:
    project = tomllib.loads((SOURCE.parents[1] / "pyproject.toml").read_text())["project"]
    base = {re.match(r"[a-z0-9]+", one)[0] for one in project["dependencies"]}  # type: ignore[index]
    wrong = [
        f"{name} imports {library}"
        for name, path in MODULES.items()
        for library in foreign(path) - base
        if not name.startswith(EXTRAS.get(library, ()))
    ]
    assert wrong == []


def test_every_error_has_a_code_in_kebab_case() -> None:
    """A code is compulsory; here it is seen to be a plain word, the same in every run."""
    wrong = []
    for path in MODULES.values():
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "FeintError":
                continue
            codes = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "code")]
            for code in codes:
                if isinstance(code, ast.Constant) and not re.fullmatch(KEBAB, code.value):
                    wrong.append(f"{path.name}:{call.lineno}: {code.value!r}")
            if not codes:
                wrong.append(f"{path.name}:{call.lineno}: no code")
    assert wrong == []


def test_the_test_sees_imports_and_circles() -> None:
    assert "feint.sequences" in EDGES["feint.attacks.budget"]
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()
