"""The card of a submission: who submits what, and the scores that are claimed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from metarl_bench.verification import CardDivision

CARD = "submission.json"
SCHEMA_VERSION: Literal[1] = 1
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Address = Annotated[str, Field(pattern=r"^(https://[\x21-\x7e]{1,300})?$")]


class Claim(BaseModel):
    """The scores of one agent on one suite, one a seed, at the final checkpoint."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    protocol: Line
    suite: Line
    digest: Line
    config_digest: Line
    seeds: Annotated[list[NonNegativeInt], Field(min_length=1, max_length=100)]
    scores: Annotated[list[float], Field(min_length=1, max_length=100)]


class SubmissionCard(BaseModel):
    """Who submits what.

    Attributes:
        agent: Id of the agent, as in the manifests: lower-case letters, digits and dashes.
        name: How tables may call it; any text of one line.
        authors: Names.
        paper: Address of the paper, or empty.
        code: Address of the code, or empty.
        division: ``extra-data`` for agents that learned from more than the protocol's training steps.
        configurations_tried: How many were trained before these results, with the seeds of validation.
        claims: The scores, one entry a suite.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    schema_version: Literal[1] = SCHEMA_VERSION
    agent: Slug
    name: Line
    authors: Annotated[list[Line], Field(min_length=1, max_length=50)]
    paper: Address = ""
    code: Address = ""
    division: CardDivision
    configurations_tried: PositiveInt
    claims: Annotated[list[Claim], Field(min_length=1, max_length=200)]
