// What an application uses.

import { print } from "graphql";
import type { TadaDocumentNode } from "gql.tada";

import { hubError, isPassing } from "./errors.js";
import { LiveReceipts, type Batch, type ReceiptFilter } from "./operations.js";
import { sockets, type Hub, type Run } from "./transports.js";

/** The answer to a query. */
export async function ask<Result, Variables>(
  hub: Hub,
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(hub.url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${await hub.token()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const answer = await response.json();
  if (answer.errors) throw hubError(answer.errors);
  return answer.data;
}

export interface Following {
  /** The cursor of the last batch that was dealt with, or a query's head; else from now on. */
  readonly after?: string | undefined;
  readonly filter?: ReceiptFilter;
  /** How to connect; over sockets unless another is given. */
  readonly run?: Run;
  /** Longest pause between two attempts, in milliseconds. */
  readonly longestPause?: number;
}

/**
 * Batches of receipts, without end.  When a connection is lost it goes on behind the last batch
 * that was taken, so nothing is missed or repeated; keep `batch.cursor` to do so after a restart.
 */
export async function* follow(hub: Hub, following: Following = {}): AsyncGenerator<Batch> {
  const { filter, run = sockets(hub), longestPause = 10_000 } = following;
  let { after } = following;
  for (let failures = 0; ; failures += 1) {
    try {
      for await (const data of run(LiveReceipts, { after, filter })) {
        const batch = (data as { receipts: Batch }).receipts;
        failures = 0;
        yield batch;
        after = batch.cursor;
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
    await pause(Math.min(longestPause, 200 * 2 ** failures) * (0.5 + Math.random() / 2));
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
