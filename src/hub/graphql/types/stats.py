"""Statistics as the API shows them."""

from typing import Self

import strawberry

from hub.graphql.types.enums import ErrorCategory, Status
from hub.graphql.types.scalars import BigInt, DateTime
from hub.log import StatRow


@strawberry.type(description="What happened in one bucket, and in one group where grouped.")
class DeliveryStat:
    """Buckets in which nothing happened are left out."""

    bucket_start: DateTime = strawberry.field(
        description="Start of the bucket, a whole minute, hour or day of the time zone asked for."
    )
    provider: str | None = strawberry.field(description="Null where not grouped by PROVIDER.")
    status: Status | None = strawberry.field(
        description="Null where not grouped by STATUS.  Of receipts what they say, of messages"
        " their present status."
    )
    error_category: ErrorCategory | None = strawberry.field(
        description="Null where not grouped by ERROR_CATEGORY, and where there is none."
    )
    receipts: BigInt = strawberry.field(description="Receipts recorded in the bucket.")
    segments: BigInt = strawberry.field(description="Charged segments of those receipts.")
    messages: BigInt = strawberry.field(description="Messages first reported in the bucket.")
    delivered_share: float | None = strawberry.field(
        description="The part of those messages that is delivered by now, 0 to 1; null where there"
        " is no message."
    )
    latency_p50_ms: float | None = strawberry.field(
        name="latencyP50Ms",
        description="Milliseconds from occurredAt to recordedAt that half of those messages took"
        " at most, at most 5 % off; null where unknown.",
    )
    latency_p95_ms: float | None = strawberry.field(
        name="latencyP95Ms", description="The same for 95 of 100."
    )

    @classmethod
    def of(cls, row: StatRow) -> Self:
        """*row* as the API shows it."""
        return cls(
            bucket_start=DateTime(row.bucket_start),
            provider=row.provider,
            status=row.status,
            error_category=row.error_category,
            receipts=BigInt(row.receipts),
            segments=BigInt(row.segments),
            messages=BigInt(row.messages),
            delivered_share=row.delivered_share,
            latency_p50_ms=row.latency_p50_ms,
            latency_p95_ms=row.latency_p95_ms,
        )
