#!/bin/sh
# As in the upstream image: options alone are options of redis-server.
case "${1-}" in
-* | '') exec redis-server "$@" ;;
*) exec "$@" ;;
esac
