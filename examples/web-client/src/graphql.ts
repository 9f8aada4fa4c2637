// Operations typed by the hub's schema: a field that does not exist does not compile.

import { initGraphQLTada } from "gql.tada";

import type { introspection } from "./schema.generated.js";

export const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { BigInt: string; Cursor: string; DateTime: string };
}>();

export type { ResultOf, VariablesOf } from "gql.tada";
