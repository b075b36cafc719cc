"""Microsoft's own description of the directory, drawn from the generated models of msgraph-sdk and msgraph-beta-sdk.

- The schema is never written by hand: type names, base types, properties, their kinds, enum values, collections and
  navigation are read from the *source text* of the installed packages (importing the models takes many seconds),
  and "Read-only" from the comments that Microsoft generates above each field.
- A property whose type descends from `entity` is navigation; every other object is a complex value. A few types
  that have no `id` are addressed as entities all the same; they are named in `KEYED_WITHOUT_ID`.
- What was read is kept in the user's cache folder under the versions of both packages; start-up then takes
  milliseconds. The cache is only a copy: deleting it is harmless.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import orjson

type Kind = Literal[
    "string", "bool", "int", "float", "datetime", "date", "time", "duration", "uuid", "bytes", "enum", "object", "any"
]

KINDS: dict[str, Kind] = {
    "str": "string", "bool": "bool", "int": "int", "float": "float", "datetime": "datetime", "date": "date",
    "time": "time", "timedelta": "duration", "uuid": "uuid", "bytes": "bytes",
}  # fmt: skip

# Types without an `id` that Graph nevertheless serves under a path of their own (crossTenantAccessPolicy pages).
KEYED_WITHOUT_ID = {
    "policyDeletableItem": "id",
    "crossTenantAccessPolicyConfigurationPartner": "tenantId",
    "crossTenantIdentitySyncPolicyPartner": "tenantId",
    "crossTenantAccessPolicyConfigurationDefault": "",
    "unifiedRoleManagementPolicyRule": "id",
    "inheritablePermission": "resourceAppId",
}

# Every type the simulator serves; complex types, base types and enums follow by themselves.
SERVED = [
    "activityBasedTimeoutPolicy", "administrativeUnit", "adminConsentRequestPolicy", "agentIdentity",
    "agentIdentityBlueprint", "agentIdentityBlueprintPrincipal", "agentUser", "agreement", "agreementFile",
    "agreementFileLocalization", "agreementAcceptance", "appManagementPolicy", "appRoleAssignment",
    "application", "applicationTemplate", "attributeSet", "allowedValue",
    "authenticationCombinationConfiguration", "authenticationContextClassReference", "authenticationFlowsPolicy",
    "authenticationMethod", "authenticationMethodConfiguration", "authenticationMethodsPolicy",
    "authenticationStrengthPolicy", "authorizationPolicy", "certificateBasedAuthConfiguration",
    "certificateBasedAuthPki", "certificateAuthorityDetail", "claimsMappingPolicy", "conditionalAccessPolicy",
    "contract",
    "conditionalAccessTemplate", "countryNamedLocation", "crossTenantAccessPolicy",
    "crossTenantAccessPolicyConfigurationDefault", "crossTenantAccessPolicyConfigurationPartner",
    "crossTenantIdentitySyncPolicyPartner", "customSecurityAttributeDefinition",
    "delegatedPermissionClassification", "device", "deviceRegistrationPolicy", "directoryAudit",
    "directoryObject", "directoryRole", "directoryRoleTemplate", "domain", "domainDnsRecord",
    "extensionProperty", "externalIdentitiesPolicy", "federatedIdentityCredential", "group",
    "groupLifecyclePolicy", "groupSetting", "groupSettingTemplate", "homeRealmDiscoveryPolicy",
    "identitySecurityDefaultsEnforcementPolicy", "inheritablePermission", "internalDomainFederation", "ipNamedLocation",
    "licenseDetails", "orgContact", "organization", "organizationalBranding",
    "organizationalBrandingLocalization", "permissionGrantConditionSet", "permissionGrantPolicy",
    "featureRolloutPolicy", "servicePrincipal", "subscribedSku", "tenantAppManagementPolicy",
    "tokenIssuancePolicy", "tokenLifetimePolicy", "unifiedRoleAssignment", "unifiedRoleAssignmentSchedule",
    "unifiedRoleAssignmentScheduleInstance", "unifiedRoleAssignmentScheduleRequest", "unifiedRoleDefinition",
    "unifiedRoleEligibilitySchedule", "unifiedRoleEligibilityScheduleInstance",
    "unifiedRoleEligibilityScheduleRequest", "unifiedRoleManagementPolicy",
    "unifiedRoleManagementPolicyAssignment", "unifiedRoleManagementPolicyRule", "user",
    "onPremisesDirectorySynchronization", "oAuth2PermissionGrant", "scopedRoleMembership",
    "peopleAdminSettings", "profileCardProperty", "profilePropertySetting", "profileSource",
    "pronounsSettings", "insightsSettings",
    "privilegedAccessGroupAssignmentSchedule", "privilegedAccessGroupEligibilitySchedule",
    "privilegedAccessGroupEligibilityScheduleRequest", "privilegedAccessGroupAssignmentScheduleRequest",
    "privilegedAccessGroupEligibilityScheduleInstance", "privilegedAccessGroupAssignmentScheduleInstance",
    "emailAuthenticationMethod", "phoneAuthenticationMethod", "directoryRole",
    "resourceSpecificPermissionGrant", "pronounsSettings", "onPremisesSyncBehavior",
    "remoteDesktopSecurityConfiguration", "extension", "invitation", "signIn",
    "synchronization", "synchronizationJob", "synchronizationSchema", "synchronizationTemplate", "secureScore",
    "entraRecoveryServices.recovery", "entraRecoveryServices.snapshot", "entraRecoveryServices.recoveryJob",
    "entraRecoveryServices.recoveryPreviewJob",
]  # fmt: skip
BETA_SERVED = [
    "externalIdentitiesPolicy", "onPremisesPublishing", "connector", "connectorGroup",
    "strongAuthenticationRequirements", "signInPreferences", "onPremisesPublishingProfile", "user", "group",
    "application", "servicePrincipal", "device", "administrativeUnit", "organization",
    "crossTenantAccessPolicyConfigurationPartner", "unifiedRoleDefinition", "contract", "authorizationPolicy",
    "deviceRegistrationPolicy", "certificateBasedAuthConfiguration", "agentIdentity", "agentIdentityBlueprint",
    "agentIdentityBlueprintPrincipal", "agentUser", "directorySetting", "directorySettingTemplate",
]  # fmt: skip
# Types that beta has under another name (directorySetting resource type).
RENAMED_IN_BETA = {"groupSetting": "directorySetting", "groupSettingTemplate": "directorySettingTemplate"}

@dataclass(frozen=True, slots=True)
class Property:
    """One property: its kind, the type it refers to (enum or object), and what Microsoft's comment says of it."""

    name: str
    kind: Kind
    type: str = ""
    collection: bool = False
    navigation: bool = False
    read_only: bool = False
    comment: str = ""
    flags: bool = False  # an enum whose members may stand together: one string, joined by commas


@dataclass(frozen=True, slots=True)
class EntityType:
    """An entity or complex type with its own properties; inherited ones are found through `Schema.properties`."""

    name: str
    base: str = ""
    is_entity: bool = False
    declared: dict[str, Property] = field(default_factory=dict)
    subtypes: tuple[str, ...] = ()


@dataclass(slots=True)
class Schema:
    """The types and enums of one version of Graph (`v1.0` or `beta`)."""

    version: str
    types: dict[str, EntityType]
    enums: dict[str, tuple[str, ...]]
    _properties: dict[str, dict[str, Property]] = field(default_factory=dict)
    _family: dict[str, frozenset[str]] = field(default_factory=dict)

    def properties(self, type_name: str) -> dict[str, Property]:
        """All properties of a type, inherited ones first; empty for a type that the schema does not hold."""
        known = self._properties.get(type_name)
        if known is None:
            declared = self.types.get(type_name)
            known = {} if declared is None else self.properties(declared.base) | declared.declared
            self._properties[type_name] = known
        return known

    def structural(self, type_name: str) -> dict[str, Property]:
        """The properties that are values, not navigation."""
        return {name: each for name, each in self.properties(type_name).items() if not each.navigation}

    def is_a(self, type_name: str, ancestor: str) -> bool:
        """Whether `type_name` is `ancestor` or descends from it."""
        while type_name:
            if type_name == ancestor:
                return True
            declared = self.types.get(type_name)
            type_name = declared.base if declared else ""
        return False

    def family(self, type_name: str) -> frozenset[str]:
        """A type with all that descend from it."""
        known = self._family.get(type_name)
        if known is None:
            known = frozenset(name for name in self.types if self.is_a(name, type_name)) | {type_name}
            self._family[type_name] = known
        return known


FIELD = re.compile(
    r'^            "([^"@][^"]*)": lambda n : setattr\(self, \'(\w+)\', n\.get_(\w+)\((.*?)\)\),?$', re.MULTILINE
)  # fmt: skip
CLASS = re.compile(r"^class (\w+)\(([^)]*)\):", re.MULTILINE)
ODATA_TYPE = re.compile(r'^    odata_type: Optional\[str\] = "#microsoft\.graph\.([\w.]+)"', re.MULTILINE)
COMMENTED = re.compile(r"^    # (.*)\n    (\w+): Optional", re.MULTILINE)
IMPORT = re.compile(r"^ *from (\.[\w.]+) import (\w+)$", re.MULTILINE)
CHILD = re.compile(r'casefold\(\) == "#microsoft\.graph\.([\w.]+)"\.casefold\(\):\s*from (\.[\w.]+) import (\w+)')
ENUM_VALUE = re.compile(r'^    \w+ = "([^"]*)"', re.MULTILINE)
# an enum of flags is read as a collection of members, yet held and written as one value
WRITTEN_AS_ONE = re.compile(r'^        writer\.write_enum_value\("([^"]+)"', re.MULTILINE)
HELD_AS_LIST = re.compile(r"^    (\w+): Optional\[list\[", re.MULTILINE)
READ_ONLY = re.compile(r"\bread-only\b", re.IGNORECASE)


def camel(class_name: str) -> str:
    """Microsoft's type name for a generated class name."""
    return class_name[:1].lower() + class_name[1:]


def snake(type_name: str) -> str:
    """The file that the generator gives a type name, as kiota makes it."""
    *spaces, last = type_name.split(".")
    return "/".join([re.sub(r"(?<!^)(?=[A-Z])", "_", part).lower() for part in (*spaces, last)])


class ModelReader:
    """Reads the model files that are reachable from a set of types."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.types: dict[str, EntityType] = {}
        self.enums: dict[str, tuple[str, ...]] = {}
        self._names: dict[Path, str] = {}
        self._texts: dict[Path, str] = {}
        self._by_squeezed = {path.stem.replace("_", ""): path for path in models.glob("*.py")}

    def read(self, roots: Iterable[str]) -> None:
        """Read every root with its bases, complex values, enums and subtypes; unknown roots are left out."""
        for root in roots:
            path = self.models / f"{snake(root)}.py"
            if not path.exists():
                path = self._by_squeezed.get(root.rpartition(".")[2].lower(), path)
            if path.exists():
                self._read_type(path, with_subtypes=True)

    def _text(self, path: Path) -> str:
        if path not in self._texts:
            self._texts[path] = path.read_text(encoding="utf-8")
        return self._texts[path]

    def _type_name(self, path: Path) -> str:
        if path not in self._names:
            text = self._text(path)
            found = ODATA_TYPE.search(text)
            declared = CLASS.search(text)
            space = "".join(camel(_pascal(part)) + "." for part in path.relative_to(self.models).parent.parts)
            self._names[path] = found.group(1) if found else space + camel(declared.group(1) if declared else path.stem)
        return self._names[path]

    def _file(self, of: Path, dotted: str) -> Path:
        up = len(dotted) - len(dotted.lstrip("."))
        folder = of.parent
        for _ in range(up - 1):
            folder = folder.parent
        return folder.joinpath(*dotted.lstrip(".").split(".")).with_suffix(".py")

    def _is_entity(self, path: Path) -> bool:
        while True:
            text = self._text(path)
            declared = CLASS.search(text)
            name = declared.group(1) if declared else ""
            if name == "Entity" or camel(name) in KEYED_WITHOUT_ID:
                return True
            base = declared.group(2).split(",")[0].strip() if declared else ""
            source = {cls: where for where, cls in IMPORT.findall(text)}.get(base)
            if source is None:
                return False
            path = self._file(path, source)

    def _read_type(self, path: Path, *, with_subtypes: bool) -> str:
        name = self._type_name(path)
        if name in self.types:
            return name
        text = self._text(path)
        imports = {cls: self._file(path, where) for where, cls in IMPORT.findall(text)}
        declared = CLASS.search(text)
        if declared is None:
            return name
        base_class = declared.group(2).split(",")[0].strip()
        is_entity = self._is_entity(path)
        self.types[name] = EntityType(name, is_entity=is_entity)  # stops cycles; replaced below
        base = self._read_type(imports[base_class], with_subtypes=False) if base_class in imports else ""
        comments = {attribute: comment for comment, attribute in COMMENTED.findall(text)}
        as_one, lists = set(WRITTEN_AS_ONE.findall(text)), set(HELD_AS_LIST.findall(text))
        properties = {}
        for json_name, attribute, getter, argument in FIELD.findall(text):
            made = self._property(json_name, getter, argument, imports, comments.get(attribute, ""))
            if made.kind == "enum" and made.collection and json_name in as_one and attribute not in lists:
                made = replace(made, collection=False, flags=True)
            properties[json_name] = made
        children = [] if name == "entity" else CHILD.findall(text)
        subtypes = []
        if with_subtypes or not is_entity:
            subtypes = [self._read_type(self._file(path, where), with_subtypes=False) for _, where, _ in children]
        self.types[name] = EntityType(name, base, is_entity, properties, tuple(subtypes))
        return name

    def _property(
        self, name: str, getter: str, argument: str, imports: dict[str, Path], comment: str
    ) -> Property:
        collection = getter.startswith("collection")
        argument = argument.strip()
        read_only = bool(READ_ONLY.search(comment))
        if getter == "collection_of_primitive_values":
            primitive = argument.rpartition(".")[2]
            return Property(name, KINDS.get(primitive.lower(), "string"), "", True, False, read_only, comment)
        if argument in imports:
            path = imports[argument]
            if "enum" in getter:
                enum_name = camel(argument)
                if enum_name not in self.enums:
                    self.enums[enum_name] = tuple(ENUM_VALUE.findall(self._text(path)))
                return Property(name, "enum", enum_name, collection, False, read_only, comment)
            if self._is_entity(path):
                return Property(name, "object", self._type_name(path), collection, True, read_only, comment)
            type_name = self._read_type(path, with_subtypes=True)
            return Property(name, "object", type_name, collection, False, read_only, comment)
        kind = KINDS.get(getter.removesuffix("_value"), "any")
        return Property(name, kind, "", collection, False, read_only, comment)


def _pascal(text: str) -> str:
    return "".join(part.capitalize() for part in text.split("_"))


def cache_folder() -> Path:
    """Where the drawn schema is kept: the platform's cache folder of the user, or the temporary folder."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or tempfile.gettempdir())
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cairn"


def _draw(package: str, version: str, roots: Iterable[str]) -> dict[str, Any]:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"the simulator draws its schema from {package}, which is not installed")
    reader = ModelReader(Path(found.origin).parent / "generated" / "models")
    reader.read(roots)
    return {"version": version, "types": [asdict(each) for each in reader.types.values()], "enums": reader.enums}


def _revive(drawn: dict[str, Any]) -> Schema:
    types = {}
    for each in drawn["types"]:
        declared = {name: Property(**fields) for name, fields in each["declared"].items()}
        types[each["name"]] = EntityType(
            each["name"], each["base"], each["is_entity"], declared, tuple(each["subtypes"])
        )
    for name, beta_name in RENAMED_IN_BETA.items():
        if name not in types and beta_name in types:
            types[name] = types[beta_name]
    return Schema(drawn["version"], types, {name: tuple(values) for name, values in drawn["enums"].items()})


def _versions() -> Iterator[str]:
    yield importlib.metadata.version("msgraph-sdk")
    yield importlib.metadata.version("msgraph-beta-sdk")
    yield hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


@cache
def load_schemas() -> Mapping[str, Schema]:
    """The v1.0 and beta schema by version, one for a process; from the cache folder or drawn afresh. Safe to call from
    several runs at once."""
    kept = cache_folder() / f"graph-schema-{'-'.join(_versions())}.json"
    try:
        drawn = orjson.loads(kept.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        drawn = [_draw("msgraph", "v1.0", SERVED), _draw("msgraph_beta", "beta", {*SERVED, *BETA_SERVED})]
        _keep(kept, orjson.dumps(drawn))
    return MappingProxyType({each["version"]: _revive(each) for each in drawn})


def _keep(path: Path, body: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
            part.write(body)
        Path(part.name).replace(path)
    except OSError:
        return  # a read-only home costs a slower start, nothing else
