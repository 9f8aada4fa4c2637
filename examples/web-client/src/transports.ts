// Two ways to run one subscription once.  Neither retries by itself: a standard client repeats
// the variables it began with, and so would begin at an old cursor again.

import { print, type DocumentNode } from "graphql";
import { createClient as createEventsClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";

import { hubError } from "./errors.js";

export interface Hub {
  /** Such as https://hub.example.com/graphql. */
  readonly url: string;
  /** Asked for before each connection, so that it may change. */
  readonly token: () => string | Promise<string>;
  /** Only where there is no global one, as in Node before 22. */
  readonly webSocket?: unknown;
}

export type Run = (
  document: DocumentNode,
  variables: Record<string, unknown>,
) => AsyncGenerator<unknown>;

/** Over a WebSocket, with graphql-ws. */
export function sockets(hub: Hub): Run {
  return async function* (document, variables) {
    const client = createSocketClient({
      url: hub.url.replace(/^http/, "ws"),
      webSocketImpl: hub.webSocket,
      connectionParams: async () => ({ authorization: `Bearer ${await hub.token()}` }),
      retryAttempts: 0,
    });
    try {
      for await (const result of client.iterate({ query: print(document), variables })) {
        if (result.errors) throw hubError(result.errors);
        yield result.data;
      }
    } catch (error) {
      throw Array.isArray(error) ? hubError(error) : error;
    } finally {
      await client.dispose();
    }
  };
}

/** Over server-sent events, with graphql-sse. */
export function events(hub: Hub): Run {
  return async function* (document, variables) {
    const client = createEventsClient({
      url: hub.url,
      headers: async () => ({ authorization: `Bearer ${await hub.token()}` }),
      retryAttempts: 0,
    });
    try {
      for await (const result of client.iterate({ query: print(document), variables })) {
        if (result.errors) throw hubError(result.errors);
        yield result.data;
      }
    } finally {
      client.dispose();
    }
  };
}
