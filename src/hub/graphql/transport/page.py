"""GraphiQL for browsers, from files that the hub serves itself."""

from pathlib import Path

import graphene_django_graphiql_static
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

_STATIC = Path(graphene_django_graphiql_static.__file__).parent / "static"
_FOLDER = _STATIC / "graphene_django_graphiql_static"
_OWN = Path(__file__).parent / "graphiql"
_FILES = {
    "graphiql.min.js": _FOLDER,
    "graphiql.min.css": _FOLDER,
    "react.production.min.js": _FOLDER,
    "react-dom.production.min.js": _FOLDER,
    "graphql-ws.min.js": _FOLDER,
    "page.js": _OWN,
    "page.css": _OWN,
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src data:; connect-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


def page(request: Request) -> HTMLResponse:
    """The page, whose files stand beside the address that it was asked at."""
    html = (_OWN / "page.html").read_text(encoding="utf-8")
    assets = f"{request.url.path.rstrip('/')}/assets"
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return HTMLResponse(html.replace("{assets}", assets), headers=headers)


def assets(path: str) -> APIRouter:
    """The page's files below *path*."""
    router = APIRouter(include_in_schema=False)

    @router.get(path + "/{name}")
    async def asset(name: str) -> Response:
        if name not in _FILES:
            return Response(status_code=404)
        return FileResponse(_FILES[name] / name, headers={"Cache-Control": "max-age=3600"})

    return router
