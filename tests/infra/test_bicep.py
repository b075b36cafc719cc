"""The deployment, as far as it can be checked without Azure: grammar, wiring, names, descriptions, settings, roles."""

import json
import re
from pathlib import Path

import pytest
from bicep import FILES, INFRA, PARAMETER_FILES, read, values_of, walk

from shared.settings import settings_table
from tools.deployment_files import LOCAL_ONLY
from tools.deployment_files import files as computed_files

MAIN = INFRA / "main.bicep"
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(INFRA)))

def _module_path(path: Path, module) -> Path:
    target = re.search(r"'([^']+\.bicep)'", module.text)
    assert target, module.text[:80]
    return path.parent / target.group(1)


@pytest.mark.parametrize("path", FILES + PARAMETER_FILES, ids=lambda path: str(path.relative_to(INFRA)))
def test_every_file_parses(path):
    assert read(path).errors == []


@each_file
def test_every_parameter_says_what_it_is_and_whether_it_is_needed(path):
    for name, parameter in read(path).of("parameter").items():
        assert re.match(r"(Required|Optional|Conditional)\. [A-Z].*\.$", parameter.description), name
        assert parameter.description.startswith("Required") != parameter.has_default, name


@each_file
def test_every_output_says_what_it_is(path):
    for name, output in read(path).of("output").items():
        assert re.match(r"[A-Z].*\.$", output.description), name


@each_file
def test_nothing_is_declared_and_not_used(path):
    found = read(path)
    for kind in ("parameter", "variable"):
        for name in found.of(kind):
            assert len(re.findall(rf"\b{name}\b", found.text)) > 1, f"{kind} {name}"


@each_file
def test_modules_are_given_what_they_need_and_nothing_else(path):
    for name, module in read(path).of("module").items():
        wanted = read(_module_path(path, module).resolve()).of("parameter")
        given = values_of(module)
        assert given <= set(wanted), name
        assert {one for one, parameter in wanted.items() if not parameter.has_default} <= given, name


@each_file
def test_outputs_that_are_read_exist_and_those_that_exist_are_read(path):
    found = read(path)
    for name, module in found.of("module").items():
        target = read(_module_path(path, module).resolve())
        asked = set(re.findall(rf"\b{name}(?:\[\w+\])?!?\.outputs\.(\w+)", found.text))
        assert asked <= set(target.of("output")), name


def test_every_module_is_used_and_every_output_of_one_is_read_by_somebody():
    used, asked = set(), {}
    for path in FILES:
        found = read(path)
        for name, module in found.of("module").items():
            target = _module_path(path, module).resolve()
            used.add(target)
            asked.setdefault(target, set()).update(
                re.findall(rf"\b{name}(?:\[\w+\])?!?\.outputs\.(\w+)", found.text)
            )
    assert {path for path in FILES if path.parent != INFRA} <= used
    for target, names in asked.items():
        if target != MAIN:
            assert set(read(target).of("output")) == names, target.name


def test_main_is_modules_only():
    resources = read(MAIN).of("resource")
    assert list(resources) == ["group"]
    assert len(read(MAIN).of("module")) > 12


@each_file
def test_names_follow_from_inputs_alone_so_that_deploying_twice_changes_nothing(path):
    assert not re.search(r"\b(utcNow|newGuid|deploymentScripts)\b", read(path).text)


@each_file
def test_names_are_camel_case_but_for_what_azd_reads(path):
    for one in read(path).declared:
        assert re.fullmatch(r"[a-z][A-Za-z]*", one.name) or (
            path == MAIN and one.kind == "output" and re.fullmatch(r"[A-Z_]+", one.name)
        ), one.name


@each_file
def test_no_secret_is_read_written_or_defaulted(path):
    text = read(path).text
    assert not re.search(r"\blist(Keys|AccountSas|ServiceSas|Credentials)\b|AccountKey=|SharedAccessSignature", text)
    for name, parameter in read(path).of("parameter").items():
        if "@secure()" in parameter.decorators and parameter.has_default:
            assert parameter.text.rstrip().endswith(("= {}", "= ''")), name


@each_file
def test_every_storage_account_refuses_keys_and_the_public(path):
    for name, resource in read(path).of("resource").items():
        if "Microsoft.Storage/storageAccounts@" in resource.text and "existing" not in resource.text[:140]:
            for law in (
                "allowSharedKeyAccess: false", "allowBlobPublicAccess: false", "minimumTlsVersion: 'TLS1_2'",
                "publicNetworkAccess: publicAccess ? 'Enabled' : 'Disabled'",
            ):
                assert law in resource.text, (name, law)


def test_the_vault_is_versioned_immutable_and_brings_deleted_blobs_back():
    text = read(INFRA / "modules" / "vault.bicep").text
    for law in ("isVersioningEnabled: true", "immutableStorageWithVersioning: { enabled: true }",
                "deleteRetentionPolicy: { enabled: true", "containerDeleteRetentionPolicy: { enabled: true",
                "version: { delete:"):
        assert law in text


def test_cairn_may_write_and_retain_in_its_vault_and_never_remove_a_version_or_touch_policies():
    text = read(INFRA / "modules" / "vaultrole.bicep").text
    granted = text[text.index("dataActions: [") : text.index("notDataActions")]
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    assert set(re.findall(r"'(.+)'", granted)) == {
        f"{blobs}/read", f"{blobs}/write", f"{blobs}/add/action", f"{blobs}/delete",
        f"{blobs}/immutableStorage/runAsSuperUser/action",
    }
    assert "actions: []" in text, "nothing of the management plane, where containers and account policies are changed"
    assert f"'{blobs}/deleteBlobVersion/action'" in text[text.index("notDataActions") :]


def test_the_vault_is_reached_by_that_role_alone():
    roles = read(INFRA / "modules" / "roles.bicep").text
    rows = [line for line in roles.splitlines() if line.strip().startswith("{ what:")]
    assert [line for line in rows if "targets.vault}" in line] == [line for line in rows if "vaultWriterRoleId" in line]
    assert len([line for line in rows if "targets.vault}" in line]) == 1


def test_roles_are_assigned_by_the_table_but_for_what_must_stand_before_it():
    for path in FILES:
        if "Microsoft.Authorization/roleAssignments@" in read(path).text:
            assert path.name in ("role.bicep", "encryption.bicep", "topic.bicep"), path.name


def test_the_app_has_every_setting_of_the_table_and_no_other():
    overridden = set(re.findall(r"^\s+(CAIRN_[A-Z_]+):", read(MAIN).text, re.MULTILINE))
    defaults = json.loads((INFRA / "settings.json").read_text())
    wanted = {row.name for row in settings_table() if not row.secret} - LOCAL_ONLY
    assert set(defaults) == wanted
    assert overridden <= wanted
    assert "loadJsonContent('settings.json')" in read(MAIN).text


def test_whatever_function_app_and_host_json_read_from_settings_is_set():
    root = INFRA.parent
    asked = set(re.findall(r"%(\w+)%", (root / "function_app.py").read_text() + (root / "host.json").read_text()))
    defaults = json.loads((INFRA / "settings.json").read_text())
    assert asked
    assert {name for name in asked if defaults.get(name)} == asked


def test_what_bicep_reads_of_the_code_is_fresh():
    for path, text in computed_files().items():
        assert path.read_text() == text, "python -m tools.deployment_files"


def test_the_registrations_ask_for_the_claims_that_cairn_reads():
    """When the caller signed in, and whether it is an app: neither stands in a token unless it is asked for."""
    registrations = read(INFRA / "modules" / "registrations.bicep").text
    asked = registrations[registrations.index("optionalClaims: {") :].partition("\n  }")[0]
    assert set(re.findall(r"name: '(\w+)', essential: false", asked)) == {"auth_time", "idtyp"}
    assert "groupMembershipClaims: 'SecurityGroup'" in registrations


def test_a_region_among_many_can_be_told_all_that_a_region_alone_can_and_has_the_same_defaults():
    many, alone = read(INFRA / "regions.bicep"), read(MAIN).of("parameter")
    assert values_of(many.of("module")["region"]) == set(alone)
    defaults = {name: one.text.partition("=")[2].strip() for name, one in alone.items() if one.has_default}
    given = dict(re.findall(r"^    (\w+): one\.\?\w+ \?\? (.+)$", many.text, re.MULTILINE))
    assert len(given) > 15
    assert {name: value for name, value in given.items() if value not in (defaults[name], name)} == {}


def test_deploying_all_regions_at_once_says_of_each_what_its_own_file_says():
    for everywhere in (path for path in PARAMETER_FILES if path.stem.endswith(".regions")):
        text = " ".join(read(everywhere).text.split())
        for alone in (path for path in PARAMETER_FILES if path.stem.partition(".")[0] == everywhere.stem.partition(".")[0]):
            for name, one in read(alone).of("variable").items():
                for value in re.findall(r"[\w']+: '?[\w./-]+'?|\['.+'\]", one.text.partition("=")[2]):
                    assert " ".join(value.split()) in text, (alone.name, name)


LIMITS = {
    "rg": 90, "id": 128, "kv": 24, "cairnvault": 24, "cairnrecords": 24, "cairnhost": 24, "evgt": 50, "log": 63,
    "appi": 260, "dts": 64, "func": 32, "plan": 60, "cairn": 63,
}  # fmt: skip
"""Most characters of a name, by what it begins with ("Naming rules and restrictions for Azure resources"). A function app
may have 60, but its host's id is the first 32, and two hosts of the same id in one storage account fight."""


def _as_long_as_can_be(name: str) -> str:
    """The name with the longest environment and Azure's longest region in it."""
    variables = dict(re.findall(r"^var (name|appName|taskHub) = '(.+)'$", read(MAIN).text, re.MULTILINE))
    given = {"environmentName": "e" * 12, "location": "germanywestcentral", "token": "t" * 8}
    while "${" in name:
        name = re.sub(r"\$\{(\w+)\}", lambda found: given.get(found[1]) or variables[found[1]], name)
    return name


def test_no_name_is_longer_than_azure_takes_in_any_region():
    main = read(MAIN).text
    named = re.findall(r"\b(?:name|planName|workspaceName|insightsName|identityName): '([^']*\$\{\w+\}[^']*)'", main)
    named += re.findall(r"^var (?:appName|taskHub|name) = '(.+)'$", main, re.MULTILINE)
    longest = {name: _as_long_as_can_be(name) for name in named}
    seen = set()
    for name, whole in longest.items():
        begins = re.match(r"(cairn(?:vault|records|host)|\w+?)(?=-|t{8}|$)", whole)[1]
        seen.add(begins)
        assert len(whole) <= LIMITS[begins], (name, whole)
    assert seen == set(LIMITS)
    assert {one for one in longest.values() if one.startswith(("cairnvault", "cairnrecords", "cairnhost"))} == {
        f"cairn{what}tttttttt" for what in ("vault", "records", "host")
    }, "storage accounts have small letters and digits only"


def test_names_that_are_unique_in_all_of_azure_hold_the_token_of_subscription_environment_and_region():
    main = read(MAIN).text
    assert "uniqueString(subscription().subscriptionId, environmentName, location)" in main
    for begins in ("kv-cairn-", "cairnvault", "cairnrecords", "cairnhost", "evgt-cairn-", "dts-cairn-"):
        assert f"'{begins}${{token}}'" in main
    assert "var appName = 'func-cairn-${environmentName}-${token}'" in main


@each_file
def test_every_guid_follows_from_what_stays_the_same(path):
    for arguments in re.findall(r"\bguid\(([^\n]*)\)", read(path).text):
        first, *_ = arguments.split(", ")
        assert re.fullmatch(r"resourceGroup\(\)\.id|\w+\.id|'cairn'", first), arguments


@pytest.mark.parametrize("path", PARAMETER_FILES, ids=lambda path: path.name)
def test_parameter_files_give_what_is_needed_and_hold_no_secret(path):
    target = path.parent / re.search(r"^using '(.+)'", read(path).text, re.MULTILINE).group(1)
    wanted = read(target.resolve()).of("parameter")
    given = set(read(path).of("variable"))
    assert given <= set(wanted)
    assert {name for name, parameter in wanted.items() if not parameter.has_default} <= given
    assert not {name for name in given if "@secure()" in wanted[name].decorators}


def test_there_is_one_parameter_file_for_each_region_and_environment():
    for path in PARAMETER_FILES:
        environment, where = path.stem.split(".")
        text = read(path).text
        assert f"param environmentName = '{environment}'" in text
        assert where == "regions" or f"param location = '{where}'" in text


def test_the_analyzer_s_rules_are_errors():
    rules = json.loads((INFRA / "bicepconfig.json").read_text())["analyzers"]["core"]["rules"]
    assert {rule["level"] for rule in rules.values()} == {"error"}


def test_every_resource_names_a_released_version_of_its_type():
    for path in FILES:
        for node in walk(read(path).declared[0].node.parent):
            if node.type == "resource_declaration":
                kind = re.search(r"'(Microsoft\.\w+/[\w/]+)@([\w.-]+)'", node.text.decode())
                assert kind, node.text[:80]
                assert re.fullmatch(r"v1\.0|20\d\d-\d\d-\d\d(-preview)?", kind.group(2))
