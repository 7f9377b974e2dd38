"""Listen to what workers report. Run by background/tasks.py; several API processes share one durable consumer."""

from __future__ import annotations

from pydantic import ValidationError

from appliance.api.services.item_reports import ItemReports
from appliance.api.services.run_reports import RunReports
from appliance.clients import logging
from appliance.clients.messaging import Delivery, Messaging
from appliance.contracts.messages import (
    ITEM_REPORT_SUBJECT,
    REPORTS_STREAM,
    REPORTS_SUBJECTS,
    ItemReport,
    RunReport,
)

_DURABLE = "api"
_CONCURRENCY = 4


class ReportConsumer:
    def __init__(self, messaging: Messaging, items: ItemReports, runs: RunReports) -> None:
        self._messaging, self._items, self._runs = messaging, items, runs

    async def forever(self) -> None:
        await self._messaging.work(REPORTS_STREAM, REPORTS_SUBJECTS, _DURABLE, self.handle, _CONCURRENCY)

    async def handle(self, delivery: Delivery) -> None:
        """Returning acknowledges; raising has it delivered again later."""
        try:
            if delivery.subject == ITEM_REPORT_SUBJECT:
                await self._items.apply(ItemReport.model_validate_json(delivery.data))
            else:
                await self._runs.apply(RunReport.model_validate_json(delivery.data))
        except ValidationError as error:
            # It will not be understood the next time either. The reconciler sees to the work it told of.
            logging.get().error("report not understood", subject=delivery.subject, errors=error.error_count())
