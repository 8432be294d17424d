"""Which changed file a stack frame is of."""

import pytest

from vedette.shipping.suspectpaths import FrameFile, common_end, frames_of, match, parts_of


def frame_file(path, nearness=0):
    return FrameFile(path, (parts_of(path),), nearness)


def an_event(*frames, **fields):
    return {"exception": {"values": [{"stacktrace": {"frames": list(frames)}}]}, **fields}


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("src/cart.ts", "src/cart.ts"),
        ("/srv/app/shop/views.py", "srv/app/shop/views.py"),
        ("./src/../Cart.TS", "src/cart.ts"),
        (r"C:\build\shop#1\Views.cs", "build/shop#1/views.cs"),
        (r"\\server\share\a.cs", "server/share/a.cs"),
        ("src\\mixed/a.c", "src/mixed/a.c"),
        ("app:///src/my%20cart.ts?v=1#2", "src/my cart.ts"),
        ("webpack:///./src/cart.ts?3f2a", "src/cart.ts"),
        ("webpack://_N_E/./src/cart.ts", "_n_e/src/cart.ts"),
        ("webpack-internal:///(rsc)/./src/cart.ts", "(rsc)/src/cart.ts"),
        ("https://cdn.example.com/static/js/app.js", "cdn.example.com/static/js/app.js"),
        ("~/static/js/app.js", "static/js/app.js"),
        ("package:shop/src/cart.dart", "shop/src/cart.dart"),
        ("node:internal/process", "internal/process"),
        ("what?is#this%20.py", "what?is#this%20.py"),
        ("", ""),
        ("<anonymous>", "<anonymous>"),
    ],
)
def test_a_path_is_taken_apart(path, parts):
    assert "/".join(parts_of(path)) == parts


def test_a_path_without_end_is_bounded():
    assert len(parts_of("a/" * 100_000)) == 64


@pytest.mark.parametrize(
    ("frame", "changed", "score"),
    [
        ("/srv/app/shop/views.py", "shop/views.py", 2),
        ("shop/views.py", "backend/shop/views.py", 2),
        ("views.py", "shop/views.py", 1),
        ("C:\\build\\Shop\\Views.cs", "shop/views.cs", 2),
        ("app:///src/a/cart.ts", "src/a/cart.ts", 3),
        ("src/cart.ts", "src/cart.tsx", 0),
        ("", "src/cart.ts", 0),
    ],
)
def test_the_common_end_is_counted_in_parts(frame, changed, score):
    assert common_end(parts_of(frame), parts_of(changed)) == score


class TestFrames:
    def test_the_nearest_to_the_crash_comes_first_and_each_file_once(self):
        payload = an_event({"filename": "a.py"}, {"filename": "b.py"}, {"filename": "a.py"}, {"filename": "c.py"})

        assert [(frame.shown, frame.nearness) for frame in frames_of(payload)] == [
            ("c.py", 0),
            ("a.py", 1),
            ("b.py", 2),
        ]

    def test_frames_of_the_program_itself_are_enough(self):
        payload = an_event({"filename": "mine.py", "in_app": True}, {"filename": "lib.py", "in_app": False})

        assert [frame.shown for frame in frames_of(payload)] == ["mine.py"]

    def test_without_any_of_its_own_all_count(self):
        payload = an_event({"filename": "one.py", "in_app": False}, {"filename": "two.py"})

        assert [frame.shown for frame in frames_of(payload)] == ["two.py", "one.py"]

    def test_the_exception_that_was_raised_last_comes_before_its_causes(self):
        values = [{"stacktrace": {"frames": [{"filename": name}]}} for name in ("cause.py", "last.py")]

        assert [frame.shown for frame in frames_of({"exception": {"values": values}})] == ["last.py", "cause.py"]

    def test_the_thread_that_crashed_counts(self):
        threads = [
            {"stacktrace": {"frames": [{"filename": "idle.c"}]}},
            {"crashed": True, "stacktrace": {"frames": [{"filename": "crash.c"}]}},
        ]

        assert [frame.shown for frame in frames_of({"threads": {"values": threads}})] == ["crash.c"]

    def test_at_most_so_many_are_taken(self):
        payload = an_event(*({"filename": f"{number}.py"} for number in range(100)))

        assert [frame.shown for frame in frames_of(payload, 3)] == ["99.py", "98.py", "97.py"]
        assert len(frames_of(payload)) == 25

    @pytest.mark.parametrize(
        ("frame", "paths"),
        [
            ({"filename": "views.py", "abs_path": "/srv/shop/views.py"}, ["views.py", "srv/shop/views.py"]),
            ({"abs_path": "/srv/a.py"}, ["srv/a.py"]),
            (
                {"module": "com.acme.shop.Cart$Item", "filename": "Cart.java", "platform": "java"},
                ["com/acme/shop/cart.java"],
            ),
            ({"module": "com.acme.CartKt", "filename": "Cart.kt"}, ["com/acme/cart.kt"]),
            (
                {"module": "com.acme.Cart$1", "platform": "java"},
                ["com/acme/cart.java", "com/acme/cart.kt", "com/acme/cart.scala", "com/acme/cart.groovy"],
            ),
            ({"filename": "Cart.java"}, ["cart.java"]),
            ({"function": "main"}, []),
        ],
        ids=["both", "absolute", "class", "kotlin", "class-alone", "file-alone", "nothing"],
    )
    def test_where_a_file_may_be(self, frame, paths):
        found = frames_of(an_event(frame))

        assert ["/".join(path) for one in found for path in one.paths] == paths

    def test_the_platform_of_the_event_counts_where_the_frame_says_none(self):
        (found,) = frames_of(an_event({"module": "a.B", "filename": "B.clj"}, platform="java"))

        assert found.paths == (("a", "b.clj"),)

    @pytest.mark.parametrize(
        "payload",
        [
            None,
            [],
            {"exception": 1},
            {"exception": {"values": [None, {"stacktrace": {"frames": [1, {"filename": 7}, None]}}]}},
            {"threads": {"values": "x"}, "stacktrace": []},
        ],
    )
    def test_odd_events_have_none(self, payload):
        assert frames_of(payload) == []


class TestMatching:
    def test_for_a_frame_only_the_longest_common_end_counts(self):
        found = match(
            [frame_file("/srv/shop/cart/views.py")], [(1, "api/views.py"), (2, "cart/views.py"), (3, "views")]
        )

        assert {commit: one.score for commit, one in found.items()} == {2: 2}

    def test_several_commits_with_the_same_end_all_count(self):
        found = match([frame_file("shop/views.py")], [(1, "shop/views.py"), (2, "shop/views.py")])

        assert set(found) == {1, 2}

    def test_one_part_counts_only_where_there_is_no_more_to_the_file(self):
        frames = [frame_file("/srv/app.py")]

        assert match(frames, [(1, "lib/app.py")]) == {}
        assert match(frames, [(1, "app.py")])[1].score == 1

    def test_a_file_at_the_root_loses_against_a_longer_end(self):
        found = match([frame_file("/srv/shop/app.py")], [(1, "app.py"), (2, "shop/app.py")])

        assert set(found) == {2}

    def test_a_commit_is_known_by_its_best_frame(self):
        frames = [frame_file("a/b.py", 0), frame_file("x/y/z.py", 1)]

        found = match(frames, [(1, "a/b.py"), (1, "x/y/z.py")])

        assert (found[1].score, found[1].filename) == (3, "x/y/z.py")

    def test_of_two_frames_with_one_score_the_nearer_counts(self):
        frames = [frame_file("a/b.py", 0), frame_file("c/d.py", 1)]

        assert match(frames, [(1, "c/d.py"), (1, "a/b.py")])[1].filename == "a/b.py"

    def test_letter_case_does_not_count(self):
        assert match([frame_file("Shop/Cart.CS")], [(1, "shop/cart.cs")])[1].score == 2

    def test_nothing_matches_nothing(self):
        assert match([], [(1, "a.py")]) == match([frame_file("a.py")], [(1, "")]) == {}
