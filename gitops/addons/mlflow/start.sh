#!/bin/sh
# Make the database where there is none, and serve it. Debian's packages and the official image have the same paths.
set -eu
programs=/usr/lib/postgresql/15/bin
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  rm -rf "$PGDATA.new"
  "$programs/initdb" --pgdata="$PGDATA.new" --username=mlflow --pwfile=/run/secrets/mlflow-postgres/password \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums
  echo 'host all all all scram-sha-256' >> "$PGDATA.new/pg_hba.conf"
  echo 'create database mlflow;' | "$programs/postgres" --single -D "$PGDATA.new" postgres
  mv "$PGDATA.new" "$PGDATA" # whole or not at all
fi
exec "$programs/postgres" -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp \
  -c shared_buffers=32MB -c max_connections=40
