"""Every operator and every example of the language finds what it should, in rows in memory and in an index alike."""

from pathlib import Path
from typing import Any

import pytest

from shared.browse.columns import COLUMNS, row_of
from shared.browse.engine import Engine, connect, write_parquet
from shared.browse.search.matching import matcher
from shared.browse.search.parsing import LONGEST, MOST_TERMS, parse
from shared.browse.search.query import Field, Screen, SearchError
from shared.browse.search.screens import BACKUPS, DIFFERENCES, EVENTS, OBJECTS, TASKS
from shared.browse.search.sql import MANY_WORDS, Compiler
from shared.repository.records import ObjectRecord

PEOPLE: list[tuple[str, str, dict[str, Any]]] = [
    ("user", "u1", {"displayName": "SamJones", "userPrincipalName": "Sam.Jones@mycompany.com",
                    "mail": "Sam.Jones@mycompany.com", "city": "London", "department": "Sales", "jobTitle": "Manager",
                    "userType": "Member", "businessPhones": ["44658"]}),
    ("user", "u2", {"displayName": "New Guest", "userPrincipalName": "new_x#EXT#@mycompany.com",
                    "mail": "guest@elsewhere.com", "city": "New London", "department": "Inside Sales",
                    "userType": "Guest", "jobTitle": "sales manager"}),
    ("user", "u3", {"displayName": "Service Desk", "userPrincipalName": "desk@mycompany.com", "city": "Zürich",
                    "department": "Straßenbau", "userType": "Member"}),
    ("group", "g1", {"displayName": "Mailroom", "description": "Sales and user support", "securityEnabled": True,
                     "groupTypes": []}),
    ("group", "g2", {"displayName": "Project Falcon", "mail": "falcon@mycompany.com", "mailEnabled": True,
                     "groupTypes": ["Unified"], "description": "Serving all"}),
    ("servicePrincipal", "s1", {"displayName": "Payroll (old)", "appId": "a1"}),
]
NAMES = Screen("names", (Field("displayName"),))
CONSTANTS = {"tenant": ["demo365", "11111111-1111-4111-8111-111111111111"], "backupDate": ["2017-06-27T08:30:00.000Z"]}

OBJECT_SEARCHES = [
    ("serv*", "u3 g2 s1"),
    ("-mail*", "u1 u2 u3 g2 s1"),
    ("NOT mail*", "u1 u2 u3 g2 s1"),
    ("+mail*", "g1"),
    ("mailroom falcon", "g1 g2"),
    ("mailroom OR falcon", "g1 g2"),
    ("sales AND support", "g1"),
    ("sales AND london", "u1 u2"),
    ('"Sales and user"', "g1"),
    ('"user sales"', ""),
    ("displayName:SamJones", "u1"),
    ("displayName:samjones", "u1"),
    ("DISPLAYNAME:sam*", "u1"),
    ("displayName:sam", ""),
    ("objectType:user", "u1 u2 u3"),
    ("objectType:Users", "u1 u2 u3"),
    ('objectType:"Microsoft 365 Group"', "g2"),
    ('objectType:"Security Group"', "g1"),
    ("objectType:group", "g1 g2"),
    ('objectType:"Service Principal"', "s1"),
    ("backupDate:[2017-06-27]", "u1 u2 u3 g1 g2 s1"),
    ("backupDate:[2017-06-28]", ""),
    ("backupDate:[2017-W26 TO *]", "u1 u2 u3 g1 g2 s1"),
    ("tenant:demo365", "u1 u2 u3 g1 g2 s1"),
    ("tenant:other", ""),
    ("userPrincipalName:Sam.Jones@mycompany.com", "u1"),
    ("userPrincipalName:sam.jones*", "u1"),
    ("mail:Sam.Jones@mycompany.com", "u1"),
    ("mail:*@elsewhere.com", "u2"),
    ("mail:*", "u1 u2 g2"),
    ("city:London", "u1 u2"),
    ('city:"New London"', "u2"),
    ("city:zürich", "u3"),
    ("department:Sales", "u1 u2"),
    ("department:straßenbau", "u3"),
    ("strassenbau", "u3"),
    ("jobTitle:manager", "u1 u2"),
    ("description:Sales", "g1"),
    ("userType:new", ""),
    ("userType:guest", "u2"),
    ('userType:"Work or school"', "u1 u3"),
    ('userType:"B2B Guest"', "u2"),
    ("telephoneNumber:44658", "u1"),
    ("city:[a TO m]", "u1"),
    ("city:[m TO *]", "u2 u3"),
    ("*room", "g1"),
    ("pro*falcon", ""),
    ('"payroll (old)"', "s1"),
    ("(sales OR falcon) AND -guest", "u1 g1 g2"),
    ("sales -london", "g1"),
    ("sales +support", "g1"),
    ("NOT objectType:user NOT objectType:group", "s1"),
    ("objectId:u1", "u1"),
    ("user", "u1 u2 u3 g1"),
    ('"Work or school"', "u1 u3"),
    ("microsoft", "g2"),
    ("%", ""),
    (" ".join(f"nobody{number}" for number in range(MANY_WORDS)), ""),
    (" ".join(f"nobody{number}" for number in range(MANY_WORDS)) + " falcon mail* city:zürich", "u3 g1 g2"),
    (" ".join(f"nobody{number}" for number in range(MANY_WORDS)) + " microsoft", "g2"),
    (" ".join(f"nobody{number}" for number in range(MANY_WORDS)) + " demo365", "u1 u2 u3 g1 g2 s1"),
]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    rows = [row_of(ObjectRecord(kind, key, body, {}, b""), "00000001", "") for kind, key, body in PEOPLE]
    connection = connect(tmp_path)
    write_parquet(connection, COLUMNS, rows, tmp_path / "objects.parquet")
    connection.close()
    return Engine(tmp_path)


@pytest.mark.parametrize(("text", "expected"), OBJECT_SEARCHES)
async def test_each_search_of_objects_finds_its_hits_in_the_index(
    engine: Engine, tmp_path: Path, text: str, expected: str
) -> None:
    assert await found(engine, tmp_path, text) == expected


async def found(engine: Engine, folder: Path, text: str) -> str:
    compiler = Compiler(OBJECTS, CONSTANTS)
    condition = compiler.condition(parse(text, OBJECTS))
    rows = await engine.rows(
        f"SELECT objectId FROM read_parquet($paths) WHERE {condition}",
        {**compiler.parameters, "paths": [str(folder / "objects.parquet")]},
    )
    order = [key for _, key, _ in PEOPLE]
    return " ".join(sorted((row["objectId"] for row in rows), key=order.index))


SEPARATED = [
    "Anna–Maria", "«Paris»", "a.b", "a_b", "x２", "Ａbc", "日本、東京", "naïve", "हिन्दी शब्द", "שלום־עולם", "mail@x", "no\u00a0break",
    "co\u2011op", "😀smile😀", "l'été", "ΑΘΗΝΑ·Α", "№5", "5€", "e\u0301t", "½ cup",
]
"""Texts that show where a word ends in several scripts."""


async def test_words_end_at_the_same_characters_in_rows_and_in_the_index(tmp_path: Path) -> None:
    rows = [
        row_of(ObjectRecord("group", f"g{n}", {"displayName": text}, {}, b""), "00000001", "")
        for n, text in enumerate(SEPARATED)
    ]
    connection = connect(tmp_path)
    write_parquet(connection, COLUMNS, rows, tmp_path / "objects.parquet")
    connection.close()
    engine = Engine(tmp_path)
    words = {word for text in SEPARATED for size in (1, 2, 3, 5) for word in (text[:size], text[-size:], text[1 : 1 + size])}
    tried = 0
    for word in sorted(words):
        for form in (f'"{word}"', f'"{word}*"', f'"*{word}"'):
            try:
                query = parse(form, NAMES)
            except SearchError:
                continue
            suits = matcher(query, NAMES)
            expected = [f"g{n}" for n, text in enumerate(SEPARATED) if suits({"displayName": text})]
            compiler = Compiler(NAMES, {})
            found = await engine.rows(
                f"SELECT objectId FROM read_parquet($paths) WHERE {compiler.condition(query)}",
                {**compiler.parameters, "paths": [str(tmp_path / "objects.parquet")]},
            )
            assert sorted(row["objectId"] for row in found) == sorted(expected), form
            tried += 1
    assert tried > 200


@pytest.mark.parametrize(
    "text", ["' OR 1=1 --'", "\"x');DROP TABLE\"", "$q0", "\"\\E.*\"", '"[a"', '"(?i)"', "\\", "a\\b"]
)
async def test_what_looks_like_sql_or_a_pattern_is_a_word_like_any_other(
    engine: Engine, tmp_path: Path, text: str
) -> None:
    assert await found(engine, tmp_path, text) in ("", "u1 u2 u3 g1 g2 s1")


CHANGES = [
    {"id": "c1", "objectName": "SamThomas", "changeType": "hardDeleted", "objectType": "user"},
    {"id": "c2", "objectName": "User1", "changeType": "changed", "objectType": "user", "changedAttribute": "mail",
     "oldValue": "User1@mycompany.com", "newValue": "User1@gmail.com", "backupDate": "2017-06-27T01:00:00Z"},
    {"id": "c3", "objectName": "Team", "changeType": "linkRemoved", "objectType": "group",
     "changedAttribute": "link members", "backupDate": "2017-06-28T00:00:00Z"},
]
EVENT_ROWS = [
    {"id": "e1", "timestamp": "2017-06-26T23:59:59.999Z", "message": "Object attributes were restored",
     "object": {"name": "User"}, "task": {"name": "Restore objects"}},
    {"id": "e2", "timestamp": "2017-06-27T00:00:00.000Z", "message": "Backup finished", "task": {"name": "Backup"}},
    {"id": "e3", "timestamp": "2017-06-28T09:03:27.500Z", "message": "x", "object": {"name": "User Two"}},
    {"id": "e4", "timestamp": "2017-06-28T09:03:28.000Z", "message": "y"},
    {"id": "e5", "timestamp": "2017-01-27T09:13:00.000Z", "message": "a"},
    {"id": "e6", "timestamp": "2017-01-27T09:13:53.900Z", "message": "b"},
    {"id": "e7", "timestamp": "2017-01-28T23:59:59.000Z", "message": "c"},
    {"id": "e8", "timestamp": "2017-01-02T00:00:00.000Z", "message": "d"},
    {"id": "e9", "timestamp": "2017-02-19T23:00:00.000Z", "message": "e"},
]
TASK_ROWS = [
    {"id": "t1", "name": "Restore objects", "status": "succeeded", "type": "restore",
     "modified": "2017-06-26T10:00:00.000Z", "created": "2017-06-26T09:00:00.000Z",
     "lastResultDescription": "3 restored"},
    {"id": "t2", "name": "Unpack 00000001", "status": "failed", "type": "unpack",
     "modified": "2017-06-27T10:00:00.000Z", "created": "2017-06-27T09:00:00.000Z",
     "lastResultDescription": "Unpacking failed"},
]
BACKUP_ROWS = [
    {"id": "b1", "when": "2017-09-18T04:59:59.000Z"},
    {"id": "b2", "when": "2017-09-18T05:00:00.000Z"},
    {"id": "b3", "when": "2017-09-19T05:00:00.000Z"},
    {"id": "b4", "when": "2017-09-19T05:00:01.000Z"},
]

ROW_SEARCHES = [
    (DIFFERENCES, CHANGES, "objectName:SamThomas*", "c1"),
    (DIFFERENCES, CHANGES, 'changeType:"Object hard deleted"', "c1"),
    (DIFFERENCES, CHANGES, '"Object hard deleted"', "c1"),
    (DIFFERENCES, CHANGES, "changeType:hardDeleted", "c1"),
    (DIFFERENCES, CHANGES, 'changeType:"link *"', "c3"),
    (DIFFERENCES, CHANGES, "objectType:User", "c1 c2"),
    (DIFFERENCES, CHANGES, "changedAttribute:link", "c3"),
    (DIFFERENCES, CHANGES, "changedAttribute:link*", "c3"),
    (DIFFERENCES, CHANGES, "oldValue:User1@mycompany.com", "c2"),
    (DIFFERENCES, CHANGES, "newValue:User1@gmail.com", "c2"),
    (DIFFERENCES, CHANGES, "backupDate:[2017-06-27]", "c2"),
    (EVENTS, EVENT_ROWS, "timestamp:[2017-06-27 TO *]", "e2 e3 e4"),
    (EVENTS, EVENT_ROWS, "timestamp:[* TO 2017-06-28T09:03:27]", "e1 e2 e3 e5 e6 e7 e8 e9"),
    (EVENTS, EVENT_ROWS, "timestamp:[2017-01-27 TO 2017-01-28]", "e5 e6 e7"),
    (EVENTS, EVENT_ROWS, "timestamp:[2017-01-27T09:13:00Z TO 2017-01-27T09:13:53Z]", "e5 e6"),
    (EVENTS, EVENT_ROWS, "timestamp:[2017-01-27T12:13:00+03 TO 2017-01-27T12:13:53+03]", "e5 e6"),
    (EVENTS, EVENT_ROWS, "timestamp:[2017-W1 TO 2017-W3]", "e8"),
    (EVENTS, EVENT_ROWS, "timestamp:[2017-W01 TO 2017-W04]", "e5 e6 e7 e8"),
    (EVENTS, EVENT_ROWS, "timestamp:[2017-001 TO 2017-050]", "e5 e6 e7 e8 e9"),
    (EVENTS, EVENT_ROWS, 'message:"Object attributes were restored"', "e1"),
    (EVENTS, EVENT_ROWS, "object.name:User", "e1 e3"),
    (EVENTS, EVENT_ROWS, 'task.name:"Restore objects"', "e1"),
    (TASKS, TASK_ROWS, 'name:"restore objects"', "t1"),
    (TASKS, TASK_ROWS, "status:completed", "t1"),
    (TASKS, TASK_ROWS, "status:succeeded", "t1"),
    (TASKS, TASK_ROWS, "type:restore", "t1"),
    (TASKS, TASK_ROWS, "modified:[2017-06-26]", "t1"),
    (TASKS, TASK_ROWS, "created:[2017-06-27]", "t2"),
    (TASKS, TASK_ROWS, "lastResultDescription:unpack*", "t2"),
    (BACKUPS, BACKUP_ROWS, "when:[2017-09-18T00:00:00-05 TO 2017-09-19T00:00:00-05]", "b2 b3"),
]


@pytest.mark.parametrize(("screen", "rows", "text", "expected"), ROW_SEARCHES)
def test_each_search_of_records_finds_its_hits(screen: Any, rows: Any, text: str, expected: str) -> None:
    suits = matcher(parse(text, screen), screen)
    assert " ".join(row["id"] for row in rows if suits(row)) == expected


WRONG = [
    (EVENTS, "timestamp:NormanThomas*", 10, "a time"),
    (EVENTS, "timestamp:[yesterday TO *]", 11, "a time"),
    (EVENTS, "timestamp:[* TO 2017-W60]", 16, "a time"),
    (EVENTS, "timestamp:2017-366", 10, "a time"),
    (DIFFERENCES, "changedAttribute: link*", 16, "without a space"),
    (DIFFERENCES, "colour:red", 0, "objectName"),
    (OBJECTS, '"open', 0, "quotation mark"),
    (OBJECTS, "a AND", 5, "a word"),
    (OBJECTS, "OR a", 0, "a word"),
    (OBJECTS, "a (b", 4, ")"),
    (OBJECTS, "a) b", 1, "the end"),
    (OBJECTS, "[a TO b]", 0, "field:[from TO to]"),
    (OBJECTS, "city:[a b]", 6, "[from TO to]"),
    (OBJECTS, "userType:[a TO b]", 9, "no order"),
    (OBJECTS, '""', 1, "something between"),
    (OBJECTS, "-", 1, "a word"),
    (OBJECTS, "a\0b", 1, "control"),
]


@pytest.mark.parametrize(("screen", "text", "position", "expected"), WRONG)
def test_a_wrong_search_says_where_and_what_was_expected(
    screen: Any, text: str, position: int, expected: str
) -> None:
    with pytest.raises(SearchError) as caught:
        parse(text, screen)
    assert (caught.value.position, expected in caught.value.expected) == (position, True), caught.value


@pytest.mark.parametrize("text", [
    " OR ".join(["a"] * 1_000), "(" * 1_000 + "a" + ")" * 1_000, "a" * (LONGEST + 1), "*a" * 1_000,
    " ".join(["a*b*c"] * 40), "\"" * 3_999,
])
def test_hostile_searches_are_refused_before_they_cost_anything(text: str) -> None:
    with pytest.raises(SearchError):
        parse(text, OBJECTS)


def test_as_many_words_as_may_be_are_read() -> None:
    assert parse(" ".join(["a"] * MOST_TERMS), OBJECTS) is not None


def test_a_pattern_made_to_be_slow_ends_at_once() -> None:
    suits = matcher(parse("a*a*a*a*a*a*a*a*a*a*b", TASKS), TASKS)
    assert not suits({"name": "a" * 20_000})


def test_nothing_to_look_for_finds_everything() -> None:
    assert parse("  ", OBJECTS) is None
    assert matcher(None, TASKS)({})


@pytest.mark.parametrize("text", [
    " OR ".join(["sales"] * MOST_TERMS), " OR ".join(["s*"] * 50),
    " ".join(f"s{number}*y" for number in range(50)), " AND ".join(f"*{number}*" for number in range(25)),
    " OR ".join(f"displayName:*{number}*" for number in range(25)), "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
    "-" + " -".join(f"x{number}*" for number in range(50)), " OR ".join(f"objectType:*{number}" for number in range(50)),
])  # fmt: skip
async def test_a_search_as_dear_as_may_be_is_still_answered(engine: Engine, tmp_path: Path, text: str) -> None:
    expected = matcher(parse(text, OBJECTS), OBJECTS)
    rows = [
        {**dict(zip(COLUMNS, row_of(ObjectRecord(kind, key, body, {}, b""), "", ""), strict=True)), "tenant": "demo365"}
        for kind, key, body in PEOPLE
    ]
    assert await found(engine, tmp_path, text) == " ".join(
        row["objectId"] for row in rows if expected(row)
    )
