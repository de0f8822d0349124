# The image of every service in docker-compose.yml. What is installed is what the lock file says, checked by hash.

FROM python:3.11-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /build
RUN python -m venv /app
COPY requirements/runtime.lock requirements/
RUN /app/bin/pip install --require-hashes -r requirements/runtime.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY templates templates
COPY src src
RUN /app/bin/pip install --no-deps --no-build-isolation . \
 && KSU_DATA_DIR=/tmp/build KSU_STATIC_DIR=/app/static DJANGO_SETTINGS_MODULE=keepshowingup.settings \
    /app/bin/django-admin collectstatic --no-input --verbosity 0 \
 && /app/bin/python -m compileall -q /app/lib

FROM python:3.11-slim-trixie
# For backup and restore; not older than the server in docker-compose.yml.
RUN apt-get update \
 && apt-get install --no-install-recommends --yes postgresql-client-17 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin keepshowingup \
 && install --directory --mode 0700 --owner keepshowingup --group keepshowingup /data
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KSU_DATA_DIR=/data \
    KSU_STATIC_DIR=/app/static
USER keepshowingup
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["keepshowingup"]
CMD ["web", "--host", "0.0.0.0"]
