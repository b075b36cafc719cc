"""Route templates match as on Azure, the most specific first."""

import pytest

from local.host.errors import NotSupported
from local.host.routes import parse_route


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("a/b", "a/b", {}),
        ("a/b", "A/B", {}),
        ("a/b", "a", None),
        ("a/b", "a/b/c", None),
        ("", "", {}),
        ("", "a", None),
        ("{name}", "x%20y", {"name": "x y"}),
        ("{name}", "x%2Fy", {"name": "x/y"}),
        ("{n:int}", "-12", {"n": "-12"}),
        ("{n:int}", "1.5", None),
        ("{n:guid}", "00000000-0000-0000-0000-00000000000A", {"n": "00000000-0000-0000-0000-00000000000A"}),
        ("{n:alpha}", "a1", None),
        ("{n:bool}", "True", {"n": "True"}),
        ("a/{id?}", "a", {}),
        ("a/{id?}", "a/1", {"id": "1"}),
        ("{id}.csv", "x.csv", {"id": "x"}),
        ("{id}.csv", "x.json", None),
        ("{*path}", "", {"path": ""}),
        ("{*path}", "a/b%2Fc", {"path": "a/b/c"}),
        ("a/{*path}", "b/c", None),
        ("a/{**path}", "a/b", {"path": "b"}),
    ],
)
def test_a_template_matches_what_it_says(template, path, parameters):
    parts = [part for part in path.split("/") if part]
    assert parse_route(template, "f").match(parts) == parameters


def test_the_most_specific_template_comes_first_in_whatever_order_they_are_registered():
    templates = ["{*path}", "a/{*path}", "a/{id}", "a/{id:int}", "a/{id}.csv", "a/b", "a"]
    in_order = sorted((parse_route(each, "f") for each in templates), key=lambda route: route.precedence)
    assert [route.template for route in in_order] == [
        "a",
        "a/b",
        "a/{id}.csv",
        "a/{id:int}",
        "a/{id}",
        "a/{*path}",
        "{*path}",
    ]


@pytest.mark.parametrize("template", ["{*a}/b", "{a?}/b", "{a", "a}", "{a}-{b}", "{a:regex(x)}", "{a:date}", "x{*a}"])
def test_a_template_that_is_not_understood_is_refused_with_the_function(template):
    with pytest.raises(NotSupported, match="function f: the route"):
        parse_route(template, "f")
