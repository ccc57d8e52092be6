"""What is written by hand with FastAPI: the digest by `hmac`, the payload by `json`, ids in a dict."""

import hashlib
import hmac
import json
import os
import socket

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response

SECRET = os.environ["WEBHOOK_SECRET"].encode()
app = FastAPI()
seen = {}


@app.post("/webhooks/github")
async def take(request: Request):
    body = await request.body()
    digest = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(digest, request.headers.get("x-hub-signature-256", "")):
        raise HTTPException(401)
    delivery = request.headers["x-github-delivery"]
    if delivery not in seen:
        json.loads(body)
        seen[delivery] = 204
    return Response(status_code=204)


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(128)
print(listener.getsockname()[1], flush=True)
config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="error")
uvicorn.Server(config).run(sockets=[listener])
