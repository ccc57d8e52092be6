// What the documentation of @octokit/webhooks shows: the middleware of the package in a server of Node.
import { createServer } from "node:http";
import { Webhooks, createNodeMiddleware } from "@octokit/webhooks";

const webhooks = new Webhooks({ secret: process.env.WEBHOOK_SECRET });
webhooks.onAny(() => {});
const middleware = createNodeMiddleware(webhooks, { path: "/webhooks/github" });
const server = createServer(middleware);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
