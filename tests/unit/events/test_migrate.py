"""Migrations as text: their numbers, and what a cluster makes of them."""

import pytest

from vedette.core.errors import Misconfigured
from vedette.events.migrate import HISTORY, Topology, migrations, render


def test_numbers_start_at_one_and_have_no_gaps():
    assert [migration.number for migration in migrations()] == list(range(1, len(migrations()) + 1))


@pytest.mark.parametrize("migration", migrations(), ids=lambda migration: migration.name)
def test_one_node_gets_plain_engines(migration):
    for statement in render(migration.sql):
        assert "@" not in statement
        assert "ON CLUSTER" not in statement
        assert "ReplicatedMergeTree" not in statement
        if statement.startswith("CREATE"):
            assert "IF NOT EXISTS" in statement
            assert "non_replicated_deduplication_window = 1000" in statement


@pytest.mark.parametrize("sql", [HISTORY, *(migration.sql for migration in migrations())])
def test_a_cluster_gets_replicated_engines_everywhere(sql):
    for statement in render(sql, Topology(replicated=True, cluster="main")):
        assert " ON CLUSTER 'main'" in statement
        assert "non_replicated" not in statement
        assert "@" not in statement
        if statement.startswith("CREATE"):
            assert "ENGINE = ReplicatedMergeTree\n" in statement
            assert "replicated_deduplication_window = 1000" in statement


def test_statements_are_split_at_semicolons_that_end_a_line():
    assert render("-- a comment; with one\nSELECT ';' AS x;\n\nSELECT 2;\n") == ["SELECT ';' AS x", "SELECT 2"]


@pytest.mark.parametrize("name", ["it's", "a b", "x'; DROP TABLE errors; --", "a" * 101])
def test_a_cluster_name_that_cannot_be_one_is_refused(name):
    with pytest.raises(Misconfigured):
        Topology(cluster=name)
