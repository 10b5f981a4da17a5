#!/bin/sh
# Writes k0sctl.yaml for the hosts of a trial.
#
#   k0sctl.sh HOSTS VERSION K0S UNITS          for the patched k0sctl
#   k0sctl.sh HOSTS VERSION K0S UNITS PATH     for upstream's
#
# HOSTS has a line for each host: NAME ROLE ADDRESS 22=127.0.0.1:PORT
set -eu
hosts=$1 version=$2 k0s=$3 units=$4 path=${5-}

cat <<END
apiVersion: k0sctl.k0sproject.io/v1beta1
kind: Cluster
metadata:
  name: trial
spec:
  k0s:
    version: $version
    config:
      apiVersion: k0s.k0sproject.io/v1beta1
      kind: ClusterConfig
      spec:
        telemetry:
          enabled: false
  hosts:
END
while read -r name role address ssh; do
  cat <<END
  - role: $role
    hostname: $name
    privateAddress: $address
    ssh:
      address: 127.0.0.1
      port: ${ssh##*:}
      user: root
      keyPath: id_ed25519
    k0sBinaryPath: $k0s
END
  if [ -z "$path" ]; then
    cat <<END
    systemdUnitPath: $units
    installFlags:
    - --disable-components=konnectivity-server
END
  else
    cat <<END
    os: debian
    hooks:
      apply:
        before:
        - test -e $units/k0scontroller.service || k0s install controller --systemd-unit-path $units
    installFlags:
    - --force
    - --env=PATH=$path
    - --disable-components=konnectivity-server
END
  fi
done <"$hosts"
