"""Every alert has a runbook, and every runbook an alert."""

import re

from bicep import INFRA

from shared.alerts.rules import ALERT_RULES

PAGE = INFRA.parent / "docs" / "runbooks.md"


def monitored():
    text = (INFRA / "modules" / "alerts.bicep").read_text()
    return set(re.findall(r"^\s+name: '([a-z-]+)'$", text, re.MULTILINE))


def sections():
    return re.findall(r"^### (\S+)$", PAGE.read_text(), re.MULTILINE)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert():
    found = sections()
    assert len(found) == len(set(found))
    assert set(found) == set(ALERT_RULES) | monitored(), "docs/runbooks.md: one `### code` for each alert"


def test_every_runbook_says_something():
    parts = re.split(r"^### \S+$", PAGE.read_text(), flags=re.MULTILINE)[1:]
    assert all(len(part.split()) > 4 for part in parts)


def test_links_to_runbooks_lead_somewhere():
    text = PAGE.read_text()
    headings = {heading.lower() for heading in sections()}
    for target in re.findall(r"\]\(#([\w-]+)\)", text):
        assert target in headings, target


def test_alerts_and_the_page_on_monitoring_name_metrics_that_cairn_has():
    text = (INFRA.parent / "shared" / "telemetry.py").read_text()
    made = set(re.findall(r'create_\w+\(\s*"(cairn\.[\w.]+)"', text))
    asked = re.findall(r'Name == "(cairn\.[\w.]+)"', (INFRA / "modules" / "alerts.bicep").read_text())
    assert len(asked) == len(monitored())
    assert set(asked) <= made
    page = (INFRA.parent / "docs" / "operations.md").read_text()
    table = page[page.index("| metric |") :].partition("\n\n")[0]
    assert set(re.findall(r"`(cairn\.[\w.]+)`", table)) == made
