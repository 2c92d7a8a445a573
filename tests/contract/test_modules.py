"""A module's documentation is its contract: truthful attributes, a sample for everything that comes back."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

MODULES = sorted((Path(__file__).parents[2] / "collections" / "ha_recovery" / "plugins" / "modules").glob("[a-z]*.py"))


def _strings(module: Path) -> dict[str, Any]:
    """The module's DOCUMENTATION, EXAMPLES and RETURN, parsed."""
    found = {}
    for node in ast.parse(module.read_text()).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        ):
            found[node.targets[0].id] = yaml.safe_load(str(node.value.value))
    return found


def test_there_are_modules() -> None:
    """The issue's modules exist; a glob that matches nothing would pass everything."""
    assert {module.stem for module in MODULES} >= {
        "postgresql_cluster_info", "haproxy_server", "haproxy_info", "keepalived_info",
        "postgresql_promote", "postgresql_follow", "postgresql_fence", "client_check",
    }  # fmt: skip


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
class TestModule:
    """What every module owes to its users."""

    def test_it_says_what_check_mode_and_diff_do(self, module: Path) -> None:
        """The attributes are there."""
        attributes = _strings(module)["DOCUMENTATION"].get("attributes", {})
        assert {"check_mode", "diff_mode"} <= set(attributes), "attributes"

    def test_check_mode_is_as_documented(self, module: Path) -> None:
        """supports_check_mode in the code is what the attribute says; an action plugin has it unless it denies it."""
        action = module.parents[1] / "action" / module.name
        supported = "supports_check_mode=True" in module.read_text()
        if action.exists():
            supported = "_supports_check_mode = False" not in action.read_text()
        assert (_strings(module)["DOCUMENTATION"]["attributes"]["check_mode"]["support"] != "none") is supported

    def test_everything_that_comes_back_has_a_sample(self, module: Path) -> None:
        """Nobody should have to run a module to learn its shape."""
        for name, key in (_strings(module)["RETURN"] or {}).items():
            assert "sample" in key or "contains" in key, name

    def test_there_is_an_example(self, module: Path) -> None:
        """An example is a list of tasks that name the module in full."""
        examples = _strings(module)["EXAMPLES"]
        assert any(f"sre.ha_recovery.{module.stem}" in task for task in examples)

    def test_it_is_thin(self, module: Path) -> None:
        """Logic lives in module_utils: a module has no loops of decisions to speak of."""
        tree = ast.parse(module.read_text())
        code = sum(
            (node.end_lineno or node.lineno) - node.lineno + 1
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        )
        assert code <= 120, f"{code} lines of code"
