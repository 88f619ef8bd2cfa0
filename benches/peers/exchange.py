"""Validated batches as a script does them: pydantic checks, httpx sends, five at a time."""

import asyncio
import json
import sys
from datetime import datetime
from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field


class Interaction(BaseModel):
    model_config = ConfigDict(extra="forbid")

    external_id: str = Field(min_length=1)
    timestamp: datetime
    channel: Literal["voice", "chat", "email", "message"]
    duration_seconds: int = Field(ge=0)
    customer_segment: str = Field(min_length=1)


async def main(url: str, path: str) -> None:
    with open(path) as file:
        records = [Interaction(**record) for record in json.load(file)]
    slots = asyncio.Semaphore(5)
    headers = {"Authorization": "Bearer sink"}

    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:

        async def send(batch: list[Interaction]) -> None:
            async with slots:
                body = {"records": [record.model_dump(mode="json") for record in batch]}
                answer = await client.post(f"{url}/api/v2/dataexchange/ingestion", json=body)
                answer.raise_for_status()

        await asyncio.gather(*(send(records[at : at + 500]) for at in range(0, len(records), 500)))


asyncio.run(main(sys.argv[1], sys.argv[2]))
