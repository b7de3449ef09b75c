#!/usr/bin/env python3
"""The served shop by the Model Context Protocol, asked with the protocol's own Python client: what there is, each endpoint
as a tool whose answer fits its schema and equals that of the API, a parameter that is wrong, tables as resources. By the current
protocol, which has no handshake, and by the one before.

usage: mcp_client.py [--clearwell PATH]
"""

import argparse
import asyncio
import json
import sys

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from program import Failure, add_arguments
from served import shop


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(arguments)
    given = arguments.parse_args()
    try:
        with shop(given.clearwell) as served:
            for mode in ("auto", "legacy"):
                asyncio.run(ask(served, mode))
    except Failure as failure:
        sys.exit(f"FAIL {failure}")


async def ask(served, mode):
    headers = {"Authorization": f"Bearer {served.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=20) as http,
        Client(streamable_http_client(f"{served.address}/mcp", http_client=http), mode=mode) as client,
    ):
        print(f"ok   it speaks {client.protocol_version}")
        await tools(client, served)
        await resources(client, served)


async def tools(client, served):
    listed = (await client.list_tools()).tools
    endpoints = json.loads(served.get("/api/v1/"))["endpoints"]
    same("the tools", sorted(tool.name for tool in listed), sorted(endpoint["name"] for endpoint in endpoints))
    for tool in listed:
        if not (tool.annotations and tool.annotations.read_only_hint and tool.annotations.open_world_hint is False):
            raise Failure(f"{tool.name} does not say that it only reads")
        # The client itself holds the answer against the output schema.
        answer = await client.call_tool(tool.name, {"limit": 3})
        if answer.is_error:
            raise Failure(f"{tool.name}: {answer.content}")
        expected = json.loads(served.get(f"/api/v1/{tool.name}?limit=3"))["data"]
        same(tool.name, answer.structured_content["data"], expected)
        cursor = answer.structured_content["page"]["cursor"]
        if cursor:
            after = await client.call_tool(tool.name, {"limit": 3, "cursor": cursor})
            expected = json.loads(served.get(f"/api/v1/{tool.name}?limit=3&offset=3"))["data"]
            same(f"{tool.name}, the next page", after.structured_content["data"], expected)
        wrong = await client.call_tool(tool.name, {"limit": 0})
        if not wrong.is_error or "`limit`" not in wrong.content[0].text:
            raise Failure(f"{tool.name} takes a limit of 0: {wrong}")
    print(f"ok   {len(listed)} tools answer as the API does, and say what is wrong")


async def resources(client, served):
    listed = (await client.list_resources()).resources
    tables = json.loads(served.get("/api/v1/tables"))["tables"]
    same("the resources", [resource.name for resource in listed], [table["name"] for table in tables])
    for resource, table in zip(listed, tables):
        contents = (await client.read_resource(resource.uri)).contents
        told = json.loads(contents[0].text)
        expected = json.loads(served.get(table["href"]))
        expected["data"] = json.loads(served.get(f"{table['href']}/rows?limit=20"))["data"]
        same(table["name"], told, expected)
    print(f"ok   {len(listed)} tables are resources")


def same(what, found, expected):
    if found != expected:
        raise Failure(f"{what}: {found!r} is not {expected!r}")


if __name__ == "__main__":
    main()
