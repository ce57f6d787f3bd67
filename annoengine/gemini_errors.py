"""What an error of Gemini means: try again, slow down, or a sentence to act on.

Google's errors hold a status word and details of the types in ``google.rpc`` (ErrorInfo,
QuotaFailure, RetryInfo, BadRequest); where these are missing, as on Vertex and behind gateways,
its words are read. A quota of the day comes with a RetryInfo of seconds, and a bad key as a 400:
so details are looked at before statuses. A refusal that every call would meet ends the run with
what to do, one that this call alone meets costs this call; neither is tried again.

Source: Google, "Gemini API troubleshooting guide", "Rate limits" and "Billing"; googleapis,
``error_details.proto``. Each pattern is in a real body of ``tests/wire/test_gemini_*.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from annoengine.chat_errors import error_message
from annoengine.gemini_wire import ACCOUNT_SHUT
from annoengine.limit_headers import wait_s
from annoengine.provider import Retry

_NO_MONEY = re.compile(
    r"prepay(ment)? credits|spend(ing)? cap|BILLING_DISABLED|billing to be enabled", re.I
)
_PER_DAY = re.compile(r"per[ _]?day|daily", re.I)
_NOTHING = re.compile(r"\blimit: 0(?![.\d])")
_BAD_KEY = re.compile(r"api key (not valid|not found|expired)|pass a valid api key", re.I)
_NOT_HERE = re.compile(r"location is not supported|not available in your country|billing", re.I)
_TOO_LONG = re.compile(
    r"input token count.{0,20}exceeds|exceeds the maximum number of tokens|payload size exceeds",
    re.I,
)
_BAD_PICTURE = re.compile(
    r"unable to process input image|image is not valid|unsupported mime type"
    r"|base64 decoding failed",
    re.I,
)
_NO_EYES = re.compile(r"image input modality is not enabled|not support image input", re.I)
_UNKNOWN_FIELD = re.compile(r'Unknown name "(\w+)"')
_THINKING = re.compile(r"thinking|thought", re.I)

_STAGE = "set {0} to null in the stage, or choose a value that the model takes"
_PARAMETERS = [
    (re.compile(r"max_?output_?tokens", re.I), "max_tokens", "lower max_tokens in the stage"),
    (re.compile(r"temperature", re.I), "temperature", _STAGE),
    (re.compile(r"top_?p\b", re.I), "top_p", _STAGE),
    (re.compile(r"\bseed\b", re.I), "seed", _STAGE),
    (re.compile(r"media[ _]?resolution", re.I), "detail", _STAGE),
    (
        re.compile(r"schema|json mode|response_?mime_?type", re.I),
        "schema",
        "choose an answer format without a schema, or with a smaller one, in the stage",
    ),
    (
        re.compile(r"developer instruction|system_?instruction", re.I),
        "system text",
        "use a prompt without system text",
    ),
    (
        re.compile(r"safety_?settings?|harm_?category|harm_?block", re.I),
        "safety_threshold",
        "leave the model's option safety_threshold out",
    ),
]
"""How Google names what we send, our name for it, and what to do where a value is refused."""


@dataclass(frozen=True)
class _Error:
    """An error on its way through the rules."""

    status: int
    fields: Mapping[str, Any]
    wait_s: float | None
    said: str
    model: str
    url: str
    key: str
    location: str

    def details(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Its details of one type of ``google.rpc``."""
        details = self.fields.get("details")
        for detail in details if isinstance(details, list) else []:
            if isinstance(detail, dict) and str(detail.get("@type")).endswith(f".{kind}"):
                yield detail

    @property
    def reasons(self) -> set[str]:
        """The reasons of its ErrorInfos, ``API_KEY_INVALID``, and its status word."""
        infos = {str(detail.get("reason")) for detail in self.details("ErrorInfo")}
        return infos | {str(self.fields.get("status"))}

    @property
    def quotas(self) -> list[tuple[str, str]]:
        """Each quota that is passed, and how much it allows ("" where that is not said)."""
        violations: list[Any] = []
        for detail in self.details("QuotaFailure"):
            found = detail.get("violations")
            violations += found if isinstance(found, list) else []
        return [
            (str(v.get("quotaId") or v.get("subject") or ""), str(v.get("quotaValue", "")))
            for v in violations
            if isinstance(v, dict)
        ]

    def __str__(self) -> str:
        """Status and words: ``(404): models/x is not found``."""
        return f"({self.status})" + (f": {self.said}" if self.said else "")


def classify_gemini_status(
    status: int, body: Any, headers: Mapping[str, str], model: str, url: str, key: str
) -> Retry:
    """What a whole reply of an error status (300–599) means, or an error inside of a 200.

    ``body`` is the decoded JSON, or text; ``key`` says where the key comes from, for the sentence
    of a bad one. Google charges nothing for an error; a server or gateway that gave up on the one
    behind it (499, 504, 524) does not know, so that call is perhaps paid.
    """
    error = _Error(
        status=status,
        fields=_fields(body),
        wait_s=wait_s(headers, body),
        said=error_message(body),
        model=model,
        url=url,
        key=key,
        location=headers.get("location", ""),
    )
    for rule in (_of_the_account, _of_the_quota, _of_the_request, _by_status):
        verdict = rule(error)
        if verdict is not None:
            return verdict
    return Retry("never", f"rejected {error}")


def _fields(body: Any) -> Mapping[str, Any]:
    if isinstance(body, list):
        body = next((item for item in body if isinstance(item, dict)), None)
    fields = body.get("error") if isinstance(body, dict) else None
    return fields if isinstance(fields, dict) else {}


def _of_the_account(error: _Error) -> Retry | None:
    """A key, a project or an account that no call gets anything with."""
    if error.status == 402 or _NO_MONEY.search(error.said) or "BILLING_DISABLED" in error.reasons:
        return Retry("fatal", f"the account has no credit left {error}")
    bad = {reason for reason in error.reasons if reason.startswith("API_KEY_")}
    if bad & {"API_KEY_INVALID", "API_KEY_EXPIRED"} or _BAD_KEY.search(error.said):
        return Retry("fatal", f"{error.url} does not know the key in {error.key} {error}")
    if ACCOUNT_SHUT in error.reasons:
        return Retry("fatal", f"{error.url} has shut the account of the key in {error.key} {error}")
    if error.status == 401:
        return Retry("fatal", f"{error.url} does not know the key in {error.key} {error}")
    if error.status == 403 or bad:
        return Retry("fatal", f"{error.url} denies access with the key in {error.key} {error}")
    if "FAILED_PRECONDITION" in error.reasons and _NOT_HERE.search(error.said):
        return Retry(
            "fatal",
            f"{error.url} serves no free calls from here {error}; enable billing for the project",
        )
    return None


def _of_the_quota(error: _Error) -> Retry | None:
    if error.status != 429:
        return None
    if _NOTHING.search(error.said) or any(value == "0" for _, value in error.quotas):
        return Retry("fatal", f"{error.url} allows this account no call of {error.model!r} {error}")
    # The words name several quotas' pages, so that they count only where no quota is named.
    names = [name for name, _ in error.quotas] or [error.said]
    for name in names:
        if _PER_DAY.search(name):
            allowed = next((value for found, value in error.quotas if found == name), "")
            spent = f"{name}, which allows {allowed}" if allowed else name
            return Retry(
                "fatal",
                f"the quota of the day is spent (429): {spent}; "
                "resume after midnight Pacific time, when it is full again",
            )
    named = ", ".join(dict.fromkeys(name for name, _ in error.quotas if name))
    return Retry(
        "slow_down", f"rate limit (429){f': {named}' if named else ''}", after_s=error.wait_s
    )


def _of_the_request(error: _Error) -> Retry | None:
    """What Google finds wrong with this request, in its words."""
    if error.status not in (200, 400, 413, 422):
        return None
    said, url = error.said, error.url
    if error.status == 413 or _TOO_LONG.search(said):
        return Retry(
            "never",
            f"the call is too long for {error.model!r} {error}; send fewer or smaller pictures",
        )
    if _NO_EYES.search(said):
        return Retry(
            "fatal", f"{error.model!r} takes no pictures {error}; choose a model that does"
        )
    if _BAD_PICTURE.search(said):
        return Retry("never", f"{url} cannot read a picture of this call {error}")
    if _THINKING.search(said):
        return Retry(
            "fatal",
            f"{error.model!r} refuses the model's option thinking_budget or thinking_level "
            f"{error}; change it, or leave it out",
        )
    unknown = _UNKNOWN_FIELD.search(said)
    if unknown is not None:
        return Retry(
            "fatal",
            f"{url} does not know the field {unknown[1]!r} {error}; set the model's option "
            "api_version to v1beta, or leave out what needs the field",
        )
    for pattern, name, remedy in _PARAMETERS:
        if pattern.search(said):
            return Retry("never", f"{url} refuses {name} {error}; {remedy.format(name)}")
    return None


def _by_status(error: _Error) -> Retry | None:
    status, url = error.status, error.url
    if status == 404:
        return Retry(
            "fatal",
            f"no model {error.model!r} at {url} {error}; check model, base_url and api_version",
        )
    if status in (408, 409, 425):
        return Retry("again", f"status {status}", after_s=error.wait_s)
    if status == 501 or status in (301, 302, 303, 307, 308, 405):
        moved = f" (it points to {error.location})" if error.location else ""
        said = f": {error.said}" if error.said else ""
        return Retry("fatal", f"{url} takes no calls ({status}){moved}{said}; check base_url")
    if status in (499, 504, 524):
        return Retry("again", f"server error ({status})", "perhaps", after_s=error.wait_s)
    if status >= 500:
        return Retry("again", f"server error ({status})", after_s=error.wait_s)
    return None
