// Prints the newest receipts, then live ones, one JSON line each:
//
//   HUB_TOKEN=… node dist/main.js [URL] [--events]

import { WebSocket } from "ws";

import { ask, follow } from "./client.js";
import { LatestReceipts } from "./operations.js";
import { events, sockets, type Hub } from "./transports.js";

const options = process.argv.slice(2);
const url = options.find((option) => !option.startsWith("--")) ?? "http://127.0.0.1:8000/graphql";
const hub: Hub = { url, token: () => process.env["HUB_TOKEN"] ?? "", webSocket: WebSocket };
const run = options.includes("--events") ? events(hub) : sockets(hub);

const { receipts: page } = await ask(hub, LatestReceipts, { first: 20 });
for (const receipt of [...page.nodes].reverse()) {
  console.log(JSON.stringify(receipt));
}
for await (const batch of follow(hub, { after: page.head, run, longestPause: 1000 })) {
  for (const receipt of batch.receipts) console.log(JSON.stringify(receipt));
}
