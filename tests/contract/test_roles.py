"""A role's argument specification and its defaults say the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

COLLECTION = Path(__file__).parents[2] / "collections" / "ha_recovery"
ROLES = sorted(path.parent.parent for path in COLLECTION.glob("roles/*/tasks/main.yml"))


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) or {}


def test_there_are_roles() -> None:
    """A glob that matches nothing would make every test below pass."""
    assert {role.name for role in ROLES} >= {"postgresql", "role_probe", "haproxy", "keepalived"}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
class TestRole:
    """What every role owes to its users."""

    def options(self, role: Path) -> dict[str, Any]:
        """The options of the role's main entry point."""
        specs = _load(role / "meta" / "argument_specs.yml")["argument_specs"]
        assert specs["main"]["short_description"]
        return dict(specs["main"]["options"])

    def test_defaults_are_the_specification_s_defaults(self, role: Path) -> None:
        """Each default is documented with the same value, and each documented default exists."""
        defaults = _load(role / "defaults" / "main.yml")
        documented = {name: option["default"] for name, option in self.options(role).items() if "default" in option}
        assert documented == defaults

    def test_every_option_is_described(self, role: Path) -> None:
        """A type and a description for every option; one without a default is required or says so by its type."""
        for name, option in self.options(role).items():
            assert option.get("description"), f"{name} has no description"
            assert option.get("type"), f"{name} has no type"

    def test_variables_carry_the_role_s_name(self, role: Path) -> None:
        """Two roles never share a variable by accident."""
        for name in self.options(role):
            assert name.startswith(f"{role.name}_"), name

    def test_secrets_are_not_logged(self, role: Path) -> None:
        """Every option that holds a password says no_log."""
        for name, option in self.options(role).items():
            if "password" in name or "secret" in name:
                assert option.get("no_log") is True, name

    def test_main_is_a_table_of_contents(self, role: Path) -> None:
        """tasks/main.yml only includes and imports."""
        tasks = _load(role / "tasks" / "main.yml")
        for task in (inner for outer in tasks for inner in outer.get("block", [outer])):
            assert any("include_tasks" in key or "import_tasks" in key for key in task), task.get("name")

    def test_it_can_be_uninstalled_and_has_a_readme(self, role: Path) -> None:
        """Uninstall exists as an entry point of its own and the README names it."""
        assert (role / "tasks" / "uninstall.yml").exists()
        assert "uninstall" in (role / "README.md").read_text().lower()
