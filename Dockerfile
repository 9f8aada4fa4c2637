# The hub and what it runs on, without compilers, without tests, not as root.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/build.txt requirements/server.txt requirements/
RUN python -m venv /opt/hub \
    && /opt/hub/bin/pip install --require-hashes -r requirements/server.txt \
    && pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/hub/bin/pip install --no-deps --no-index dist/*.whl \
    && /opt/hub/bin/pip uninstall --yes pip

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin hub \
    && install --directory --owner=hub --mode=0700 /var/lib/hub
COPY --from=build /opt/hub /opt/hub
ENV PATH=/opt/hub/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HUB_DATA_DIR=/var/lib/hub \
    HUB_HTTP_HOST=0.0.0.0 \
    HUB_GRPC_HOST=0.0.0.0
USER hub
WORKDIR /var/lib/hub
VOLUME /var/lib/hub
EXPOSE 8000 50051
# A hub that drains or has lost its database is not ready, and says so with 503.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('HUB_HTTP_PORT', '8000') + '/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["hub"]
CMD ["serve"]
