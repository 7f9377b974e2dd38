"""metav1.Condition, and what both statuses share. Written by the operator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from appliance.contracts.resources.base import Resource, Sentence, map_list

Reason = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=128)]


class Condition(Resource):
    """One thing that is so, is not so, or is not known."""

    type: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]*$", max_length=64)] = Field(
        description="What the condition is about."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it is so.")
    observed_generation: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="The metadata.generation of which this was said."
    )
    last_transition_time: AwareDatetime = Field(description="When the status last changed.")
    reason: Reason = Field(description="Why, in one word for programs.")
    message: Annotated[str, StringConstraints(max_length=4096)] = Field(
        description="Why, and what would fix it, for people."
    )


Conditions = Annotated[
    list[Condition],
    Field(max_length=16, description="What is so and what is not.", json_schema_extra=map_list("type")),
]
ObservedGeneration = Annotated[
    int | None,
    Field(ge=0, description="The metadata.generation that this status answers."),
]


class FailureInfo(Resource):
    """The last failure of a pod or Job."""

    location: Sentence = Field(description="Where: the pod, Job or step.")
    reason: Reason = Field(description="Why, in one word.")
    message: Sentence = Field(description="Why, and what would fix it.")
    time: AwareDatetime = Field(description="When.")
    exit_code: int | None = Field(default=None, ge=-255, le=255, description="The exit code of the container.")
