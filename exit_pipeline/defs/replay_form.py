"""The launch form of a replay."""

from typing import Final

import dagster as dg

# Plain types, for the reason that defs/config.py gives.
FORM: Final = {
    "mode": dg.Field(
        dg.Enum(
            "ReplayMode",
            [
                dg.EnumValue("audit", description="By the recorded policies: nothing may differ."),
                dg.EnumValue("what-if", description="By another policy, along recorded prices."),
            ],
        ),
        default_value="audit",
        is_required=False,
        description="audit makes every decision again by its own policy, where nothing may "
        "differ; what-if follows another policy along the recorded prices.",
    ),
    "policy": dg.Field(
        dg.Noneable(str),
        default_value=None,
        is_required=False,
        description="For what-if, a whole policy by name or text, such as: long_premium, "
        "stop_loss.percent=25",
    ),
    "set": dg.Field(
        dg.Noneable(str),
        default_value=None,
        is_required=False,
        description="For what-if, laid over `policy`, or without one over each position's own "
        "recorded policy, such as: stop_loss.percent=25",
    ),
    "compare_to": dg.Field(
        str,
        default_value="recorded",
        is_required=False,
        description="For what-if, what is compared with: `recorded`, which is what was decided, or "
        "another policy.",
    ),
    "skip_audited": dg.Field(
        bool,
        default_value=False,
        is_required=False,
        description="For audit, pass over days that this version has audited before, without what "
        "was recorded of them since: to go on after a run that was broken off.",
    ),
}
