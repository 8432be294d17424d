"""The suite that every event store passes: chDB behind its loopback front always, ClickHouse when it is there."""

from tests.integration.events.contract import Changing, Events, Issues, Tags, Writing


class TestWriting(Writing):
    pass


class TestChanging(Changing):
    pass


class TestIssues(Issues):
    pass


class TestTags(Tags):
    pass


class TestEvents(Events):
    pass
