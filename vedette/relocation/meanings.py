"""What each kind of finding means, and what to do about it: for the reference and for reports.

One sentence each, for people who know their installation and not this code. Source: the relocation specification, 4.4,
6.1 and 7.3, for the kinds that are Sentry's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vedette.relocation.files.findings import FindingKind as Kind


@dataclass(frozen=True, slots=True)
class Meaning:
    """`means` says what is the matter, `to_do` the next step; both are whole sentences."""

    means: str
    to_do: str


_NOTHING = "Nothing."
_LOOK = "Look at both rows; if the change was made on purpose, nothing is wrong with the files."
_REPORT = "This is a defect of the program that wrote the right file; report it with the finding."

_ENDED = {
    Kind.UNKNOWN: Meaning(
        "The work could not go on, for a reason that has no kind of its own.",
        "Do what the reason says; if it is a traceback, report it with the findings file.",
    ),
    Kind.INVALID_MIN_ORDINAL: Meaning(
        "A batch of rows was numbered from below one.", "Run the import again, without a resumed uuid."
    ),
    Kind.UNKNOWN_MODEL: Meaning(
        "The file holds a model that is not known here. An import keeps its rows aside and returns them in an export, "
        "a comparison compares them as JSON, sanitising replaces all that they hold.",
        "Nothing, unless the model's name is misspelt.",
    ),
    Kind.INCORRECT_SILO_MODE: Meaning(
        "The database that this process serves does not hold the model.",
        "Run the command where all databases are configured.",
    ),
    Kind.UNSPECIFIED_SCOPE: Meaning("No scope was said.", "Name one: users, organizations, config or global."),
    Kind.MISSING_IMPORT_UUID: Meaning(
        "An import that is to be resumed has no uuid.", "Name the uuid that the first run printed."
    ),
    Kind.UNEXPECTED_MODEL: Meaning(
        "The row belongs to the framework underneath, or to no model at all.",
        "Remove the row: an export does not hold such rows.",
    ),
    Kind.VALIDATION_ERROR: Meaning(
        "A value is well-formed and not allowed, such as an IP address that is none.",
        "Correct the field that the finding names, in the source or in the file.",
    ),
    Kind.DESERIALIZATION_FAILED: Meaning(
        "A row cannot be turned into what it says it is.", "Correct the field that the finding names."
    ),
    Kind.INTEGRITY_ERROR: Meaning(
        "The database refused rows because they collide with others or lead nowhere.",
        "Import into an empty installation, or rename what collides (`--rename-org`, `--merge-users`).",
    ),
    Kind.DATABASE_ERROR: Meaning(
        "The database failed.", "See the reason and the database's own log, then run the command again."
    ),
    Kind.UNEXPORTABLE_MODEL: Meaning("The model does not travel in this scope.", "Choose a wider scope."),
}

_WHOLE = {
    Kind.UNORDERED_INPUT: Meaning(
        "A model's rows do not stand by ascending primary key, or one key is there twice.",
        "Was the file edited by hand? Imports sort it; export again if in doubt.",
    ),
    Kind.DUPLICATE_CUSTOM_ORDINAL: Meaning(
        "Two rows have the same natural key, such as a username, so that nobody can say which is which.",
        "Import the file once and compare what that exports: names are unique then.",
    ),
    Kind.UNEQUAL_COUNTS: Meaning(
        "One file has more rows of a model; the reason names some of them.",
        "Look for findings of the import about dropped or filtered rows of this model.",
    ),
    Kind.UNEQUAL_JSON: Meaning(
        "Fields that have no rule of their own differ; the reason shows the difference, secrets masked.", _LOOK
    ),
}

_COMPARED = {
    Kind.AUTO_SUFFIX: Meaning("The right name is neither the left one nor that with a suffix after a hyphen.", _LOOK),
    Kind.DATETIME_EQUALITY: Meaning("The dates are not the same instant.", _LOOK),
    Kind.DATE_UPDATED: Meaning("The right date is earlier, or one of them is no date.", _LOOK),
    Kind.EMAIL_OBFUSCATING: Meaning("The addresses differ; they are shown in part.", _LOOK),
    Kind.EQUAL_OR_REMOVED: Meaning("The value is neither equal nor gone.", _LOOK),
    Kind.HASH_OBFUSCATING: Meaning("The secrets or hashes differ; they are shown in part.", _LOOK),
    Kind.FOREIGN_KEY: Meaning(
        "The key leads to another row than on the left, or to none.",
        "If its target is not in the file, export in a wider scope; else this is a defect to report.",
    ),
    Kind.IGNORED: Meaning("The field may differ; nothing is found about it.", _NOTHING),
    Kind.SECRET_HEX: Meaning("A key is not made of 32 lower-case hexadecimal digits.", _REPORT),
    Kind.SUBSCRIPTION_ID: Meaning(
        "A subscription id is malformed, or the same on both sides although an import makes fresh ones.",
        "Expected when a file is compared with itself; otherwise a defect to report.",
    ),
    Kind.UNORDERED_LIST: Meaning("The lists do not hold the same elements; their order does not matter.", _LOOK),
    Kind.UUID4: Meaning(
        "A UUID is no version 4, or the same on both sides although an import makes fresh ones.",
        "Expected when a file is compared with itself; otherwise a defect to report.",
    ),
    Kind.USER_PASSWORD: Meaning(
        "A claimed account has another password, or one that has to be claimed has not got a fresh one.", _REPORT
    ),
}

_EXISTENCE = {
    Kind.AUTO_SUFFIX: Kind.AUTO_SUFFIX_EXISTENCE,
    Kind.DATETIME_EQUALITY: Kind.DATETIME_EQUALITY_EXISTENCE,
    Kind.DATE_UPDATED: Kind.DATE_UPDATED_EXISTENCE,
    Kind.EMAIL_OBFUSCATING: Kind.EMAIL_OBFUSCATING_EXISTENCE,
    Kind.EQUAL_OR_REMOVED: Kind.EQUAL_OR_REMOVED_EXISTENCE,
    Kind.HASH_OBFUSCATING: Kind.HASH_OBFUSCATING_EXISTENCE,
    Kind.FOREIGN_KEY: Kind.FOREIGN_KEY_EXISTENCE,
    Kind.SECRET_HEX: Kind.SECRET_HEX_EXISTENCE,
    Kind.SUBSCRIPTION_ID: Kind.SUBSCRIPTION_ID_EXISTENCE,
    Kind.UNORDERED_LIST: Kind.UNORDERED_LIST_EXISTENCE,
    Kind.UUID4: Kind.UUID4_EXISTENCE,
    Kind.USER_PASSWORD: Kind.USER_PASSWORD_EXISTENCE,
}
_ONE_SIDE = Meaning("Only one of the rows has the field; a missing one is the same as null.", _LOOK)

_FILE = {
    Kind.MALFORMED_FILE: Meaning(
        "The file is no export: no UTF-8, no JSON, no array of rows.", "Check that it is the file that was exported."
    ),
    Kind.TRUNCATED_FILE: Meaning("The file ends in the middle.", "Copy it again, and compare the sizes."),
    Kind.MALFORMED_ROW: Meaning(
        "An element of the array has no model, no primary key or no fields.", "Correct or remove the row on that line."
    ),
    Kind.TOO_LARGE: Meaning(
        "A row, a value or something packed is larger than any honest one.", "Find out who made the file."
    ),
    Kind.BAD_VALUE: Meaning(
        "A field does not hold what its column holds.", "Correct the field that the finding names."
    ),
    Kind.HOSTILE_VALUE: Meaning(
        "An old option value is a program instead of a value. It was not run.", "Find out who made the file."
    ),
    Kind.DUPLICATE_KEY: Meaning("Two rows of a model have the same primary key.", "Remove one, or export again."),
    Kind.CIRCULAR_REFERENCE: Meaning("Rows lead to each other in a circle.", "Break the circle in the file."),
    Kind.MALFORMED_ARCHIVE: Meaning(
        "The archive of an encrypted export, or a companion archive, is not put together as it must be.",
        "Copy it again, or export again.",
    ),
    Kind.DECRYPTION_ERROR: Meaning(
        "The key does not open the archive, or the archive was changed.",
        "Use the private key that belongs to the public one of the export.",
    ),
    Kind.ENCRYPTION_ERROR: Meaning(
        "The public key cannot be read or used.", "Give an RSA public key in PEM (`openssl rsa -pubout`)."
    ),
}

_ROWS = {
    Kind.DROPPED_ROW: Meaning(
        "A row was left out because something it cannot be without is not there.",
        "Export in a wider scope, or without filters, if the row matters. `--strict` makes it an error.",
    ),
    Kind.SKIPPED_ROW: Meaning(
        "A row was left out on request, by scope or by filter, or because rows of its model never travel.", _NOTHING
    ),
    Kind.ADDED_ROW: Meaning("A row was made up, because readers of the file need it.", _NOTHING),
    Kind.NULLED_REFERENCE: Meaning(
        "A key that may be empty led to a row that is not there, and was emptied.",
        "Set it again by hand if it matters.",
    ),
    Kind.UNMAPPED_REFERENCE: Meaning(
        "An id inside of text or JSON leads to a row that is not there; the reason says what became of it.",
        "Look at the rule, the action, the setting or the search that the finding names.",
    ),
    Kind.REMAPPED_REFERENCE: Meaning("An id inside of text or JSON was given its new number.", _NOTHING),
    Kind.UNKNOWN_FIELD: Meaning(
        "A row holds a field that is not known here. It is kept and returned in an export, unless the reason says "
        "otherwise.",
        _NOTHING,
    ),
    Kind.UNKNOWN_SECRET: Meaning(
        "Only the hash of a secret is kept, so that the secret itself cannot be exported.",
        "Make a new token where the old one was used.",
    ),
    Kind.UNMATCHED_FILTER: Meaning("A filter names something that is not there.", "Check how it is written."),
    Kind.PRESERVED_MODEL: Meaning(
        "Rows of this model are kept and exported again, and nothing uses them yet.", _NOTHING
    ),
    Kind.TRANSLATED: Meaning("A row of an older shape was read as the newer one.", _NOTHING),
    Kind.RENAMED: Meaning(
        "A name was taken, so the imported one got a suffix.", "Tell people, or rename one of the two afterwards."
    ),
    Kind.MERGED: Meaning("A row was not written, because one that was here already stands for it.", _NOTHING),
    Kind.MINTED_TOKEN: Meaning(
        "A token could not be kept, so a new one was made; it is shown once.", "Put it where the old one was used."
    ),
    Kind.ALIASED_PROJECT: Meaning(
        "The project's number was taken; it has a new one, and addresses (DSNs) with the old one go on working.",
        _NOTHING,
    ),
    Kind.LEAKED_VALUE: Meaning(
        "A sanitised file would still have held a text of its source, so it was not written.",
        "Report the model and the field, without the file.",
    ),
}

GROUPS: Mapping[str, Mapping[Kind, Meaning]] = MappingProxyType(
    {
        "What ends an import or an export": MappingProxyType(_ENDED),
        "What is wrong with a file": MappingProxyType(_FILE),
        "What became of rows": MappingProxyType(_ROWS),
        "Two files differ as a whole": MappingProxyType(_WHOLE),
        "Two rows differ": MappingProxyType(
            {
                kind: meaning
                for rule, found in _COMPARED.items()
                for kind, meaning in (
                    ((rule, found), (_EXISTENCE[rule], _ONE_SIDE)) if rule in _EXISTENCE else ((rule, found),)
                )
            }
        ),
    }
)
MEANINGS: Mapping[Kind, Meaning] = MappingProxyType(
    {kind: meaning for group in GROUPS.values() for kind, meaning in group.items()}
)
