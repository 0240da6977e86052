"""Makes calls with the published Miso client: a request a line on stdin, an answer a line on stdout."""

import asyncio
import json
import sys
from datetime import datetime, timezone

from miso_client import MisoClient, MisoClientConfig
from miso_client.models.config import AuditConfig, LogEntry, RedisConfig


def entry(fields):
    timestamp = datetime.fromtimestamp(fields["unix"], timezone.utc)
    return LogEntry(
        timestamp=timestamp.isoformat(timespec="microseconds"),
        level=fields["level"],
        environment=fields["environment"],
        application=fields["application"],
        message=fields["message"],
        context=fields["context"],
        correlationId=fields["correlationId"],
    )


async def run(request):
    client = MisoClient(
        MisoClientConfig(
            controller_url=request["url"],
            client_id=request["clientId"],
            client_secret=request["clientSecret"],
            # Without a batch of one an audit event waits for others, and is lost when none come.
            audit=AuditConfig(enabled=False, batchSize=1),
            redis=RedisConfig(**request["redis"]) if "redis" in request else None,
        )
    )
    await client.initialize()
    token = request.get("token")
    actions = {
        "mint": client.get_environment_token,
        "validate": lambda: client.validate_token(token),
        "user": lambda: client.get_user_info(token),
        "roles": lambda: client.get_roles(token),
        "permissions": lambda: client.get_permissions(token),
        "log": lambda: client.log.warn("the disk is filling up", request["context"]),
        "audit": lambda: client.log.audit("order.deleted", "order", request["context"]),
        "batch": lambda: client.api_client.logs.send_batch_logs([entry(request["entry"])]),
    }
    answers = {}
    for action in request["do"]:
        answer = await actions[action]()
        answers[action] = answer.model_dump() if hasattr(answer, "model_dump") else answer
    # What is logged is sent by tasks of its own; closing waits for them.
    await client.disconnect()
    return answers


requests = [json.loads(line) for line in sys.stdin]
for request in requests:
    print(json.dumps(asyncio.run(run(request)), default=str))
