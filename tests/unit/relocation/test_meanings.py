"""Every kind of finding is explained, once."""

from vedette.core.relocation import Comparator
from vedette.relocation.files.findings import FindingKind
from vedette.relocation.meanings import GROUPS, MEANINGS


def test_every_kind_of_finding_is_explained_once():
    listed = [kind for group in GROUPS.values() for kind in group]

    assert sorted(listed) == sorted({*FindingKind})


def test_what_a_kind_means_and_what_to_do_are_sentences():
    texts = [text for meaning in MEANINGS.values() for text in (meaning.means, meaning.to_do)]

    assert [text for text in texts if not (text[0].isupper() and text.endswith("."))] == []


def test_every_comparator_has_a_kind_of_its_name_and_one_for_what_is_missing():
    kinds = {str(kind) for kind in FindingKind}

    assert {rule for rule in Comparator if rule not in kinds} == set()
    missing = {rule for rule in Comparator if f"{rule}ExistenceCheck" not in kinds}
    assert missing == {Comparator.IGNORED}
