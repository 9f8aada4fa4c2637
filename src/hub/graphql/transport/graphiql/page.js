// Puts GraphiQL on the page: queries by POST, subscriptions over a socket.  The token is the
// Authorization header of the header editor, for both.
"use strict";

(() => {
  const address = new URL(window.location.href);
  address.search = "";
  address.hash = "";
  const socketAddress = new URL(address);
  socketAddress.protocol = address.protocol === "https:" ? "wss:" : "ws:";

  const start = `# Give your token under Headers, below:
#
#   { "Authorization": "Bearer <token>" }

query Latest {
  receipts(first: 10) {
    head
    nodes { position provider messageId recipient status errorCategory recordedAt }
  }
}

# Follows what comes after "head", or from now on.
subscription Follow($after: Cursor) {
  receipts(after: $after) {
    cursor
    lag
    receipts { position messageId status }
  }
}
`;

  async function post(params, headers) {
    const response = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(params),
    });
    return response.json();
  }

  function authorization(headers) {
    const name = Object.keys(headers).find((key) => key.toLowerCase() === "authorization");
    return name === undefined ? {} : { authorization: headers[name] };
  }

  function subscribe(params, headers) {
    return {
      subscribe(sink) {
        const client = window.graphqlWs.createClient({
          url: socketAddress.href,
          connectionParams: authorization(headers),
          retryAttempts: 0,
        });
        const stop = client.subscribe(params, {
          next: (result) => sink.next(result),
          complete: () => sink.complete(),
          error: (error) => sink.error(reason(error)),
        });
        return { unsubscribe: () => { stop(); client.dispose(); } };
      },
    };
  }

  function reason(error) {
    return error instanceof CloseEvent ? new Error(`${error.code} ${error.reason}`) : error;
  }

  function isLive(params) {
    const { parse, getOperationAST } = window.GraphiQL.GraphQL;
    const operation = getOperationAST(parse(params.query), params.operationName);
    return operation !== null && operation !== undefined && operation.operation === "subscription";
  }

  function fetcher(params, options) {
    const headers = (options && options.headers) || {};
    return isLive(params) ? subscribe(params, headers) : post(params, headers);
  }

  const element = window.React.createElement(window.GraphiQL, {
    fetcher,
    defaultQuery: start,
    defaultHeaders: '{ "Authorization": "Bearer " }',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  });
  window.ReactDOM.render(element, document.getElementById("page"));
})();
