// The operations of this client.

import { graphql, type ResultOf, type VariablesOf } from "./graphql.js";

export const LatestReceipts = graphql(`
  query LatestReceipts($filter: ReceiptFilter, $first: Int = 20) {
    receipts(filter: $filter, first: $first) {
      head
      nodes {
        position
        messageId
        recipient
        status
        errorCategory
        recordedAt
      }
    }
  }
`);

export const LiveReceipts = graphql(`
  subscription LiveReceipts($after: Cursor, $filter: ReceiptFilter) {
    receipts(after: $after, filter: $filter) {
      cursor
      lag
      caughtUp
      receipts {
        position
        messageId
        recipient
        status
        errorCategory
        recordedAt
      }
    }
  }
`);

export type Batch = ResultOf<typeof LiveReceipts>["receipts"];
export type Receipt = Batch["receipts"][number];
export type ReceiptFilter = VariablesOf<typeof LiveReceipts>["filter"];
