"""The bare limit of the framework: a FastAPI route that stores nothing."""

import sys

import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {}


@app.post("/callbacks/{provider}/{secret}")
async def callback(provider: str, secret: str, request: Request) -> dict[str, str]:
    assert provider
    assert secret
    await request.json()
    return {"respCode": "00000"}


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools",
        access_log=False, log_level="warning",
    )  # fmt: skip
