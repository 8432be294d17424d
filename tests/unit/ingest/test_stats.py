"""What ingest counts about itself."""

from vedette.ingest.stats import IngestStats


def test_commits_are_sorted_into_buckets():
    stats = IngestStats()
    for seconds in (0.0005, 0.001, 0.002, 0.3, 60.0):
        stats.accepted(10, seconds)

    assert (stats.accepted_requests, stats.accepted_bytes, stats.commits) == (5, 50, 5)
    buckets = dict(stats.cumulative_buckets())
    assert (buckets[0.001], buckets[0.0025], buckets[0.25], buckets[0.5], buckets[float("inf")]) == (2, 3, 3, 4, 5)


def test_refusals_are_counted_by_status():
    stats = IngestStats()
    for status in (400, 413, 400):
        stats.refused(status)

    assert stats.refused_by_status == {400: 2, 413: 1}
