#!/bin/sh
# Starts PostgreSQL in a pod: makes its cluster on an empty volume, sets the passwords of both roles from their secrets, and
# hands over to the server. Until then nothing listens: what there is to prepare is done by a server without a network.
#
# Arguments go to the server (`-c shared_buffers=1GB`). The volume is /var/lib/postgresql/data; the cluster is a folder in it,
# because PostgreSQL wants to own its folder and a volume belongs to root.
set -eu
umask 077
trap 'exit 143' INT TERM

volume=/var/lib/postgresql/data
cluster=$volume/cluster
unfinished=$volume/unfinished
secrets=/run/secrets/vedette

fail() { # what is wrong, what to do about it
  printf 'PostgreSQL does not start: %s. %s\n' "$1" "$2" >&2
  exit 1
}

secret() { # file: its one line
  [ -r "$secrets/$1" ] || fail "$secrets/$1 cannot be read" "Mount the Secret with both passwords there."
  value=$(cat "$secrets/$1")
  case $value in
  '' | *'
'*) fail "$secrets/$1 is not one line" "Put the password there, and nothing else." ;;
  esac
  printf %s "$value"
}

quoted() { # text: as a literal of SQL
  rest=$1 literal=
  while :; do
    case $rest in
    *\'*) literal="$literal${rest%%\'*}''" rest=${rest#*\'} ;;
    *) break ;;
    esac
  done
  printf "'%s'" "$literal$rest"
}

alone() { # folder, database, options: runs the statements on its input, each ended by `;` and an empty line, without a network
  folder=$1 database=$2
  shift 2
  # A statement that fails must not get into the log: it has a password in it.
  postgres --single -j -D "$folder" -c exit_on_error=on -c log_min_error_statement=panic -c log_checkpoints=off "$@" "$database" >/dev/null
}

configure() { # folder
  cat >"$1/postgresql.conf" <<'END'
listen_addresses = '*'
port = 5432
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = 128MB
work_mem = 16MB
maintenance_work_mem = 128MB
effective_cache_size = 1GB
random_page_cost = 1.1
jit = off
# A pod's /dev/shm is small, and this needs none.
dynamic_shared_memory_type = sysv
wal_level = minimal
max_wal_senders = 0
max_wal_size = 2GB
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
END
  # The superuser is for whoever is inside of the pod; over the network there is one role, for one database.
  cat >"$1/pg_hba.conf" <<'END'
host all postgres 127.0.0.1/32 scram-sha-256
host all postgres ::1/128 scram-sha-256
host vedette vedette all scram-sha-256
END
}

# A start that was killed leaves `unfinished`, and the next one begins again.
initialise() {
  echo "Making the cluster in $volume." >&2
  rm -rf "$unfinished"
  mkdir "$unfinished"
  initdb --pgdata="$unfinished" --username=postgres --pwfile="$secrets/postgres-superuser-password" \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums >/dev/null
  printf 'CREATE ROLE vedette LOGIN;\n\nCREATE DATABASE vedette OWNER vedette;\n\n' | alone "$unfinished" postgres
  # Its script tries things that may fail, and must go on: whether it came to its end is looked at afterwards.
  printf 'CREATE EXTENSION postgis;\n\n' | alone "$unfinished" vedette -c exit_on_error=off
  printf 'SELECT postgis_lib_version();\n\n' | alone "$unfinished" vedette
  sync
  mv -T "$unfinished" "$cluster"
  sync
}

password=$(secret postgres-password)
superuser=$(secret postgres-superuser-password)
[ -d "$cluster" ] || initialise
configure "$cluster"
# At every start: the secrets may have changed since.
printf 'ALTER ROLE vedette PASSWORD %s;\n\nALTER ROLE postgres PASSWORD %s;\n\n' "$(quoted "$password")" "$(quoted "$superuser")" |
  alone "$cluster" postgres
unset password superuser value rest literal
exec postgres -D "$cluster" "$@"
