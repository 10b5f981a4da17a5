# What a host needs so that k0sctl can deploy k0s to it. Made for k0s {k0s.version} of the recipe {recipe}.
#
#   imports = [ ./k0s-host.nix ];
#   k0sHost.enable = true;
#
# k0s itself stays with k0sctl: this declares the directory for its unit, the tools that it calls, and, where users are not
# mutable, its users.
{{ config, lib, pkgs, ... }}:

let
  cfg = config.k0sHost;
  isController = cfg.role != "worker";
  # k0s creates them on controllers, and removes them on reset.
  controllerUsers = [ "etcd" "kube-apiserver" "konnectivity-server" "kube-scheduler" ];
in
{{
  options.k0sHost = {{
    enable = lib.mkEnableOption "what k0sctl needs of a host to deploy k0s to it";

    unitPath = lib.mkOption {{
      type = lib.types.str;
      default = "{units}";
      example = "/var/lib/systemd-units";
      description = "Directory for the unit of k0s. systemd reads it in addition to its own; k0sctl.yaml names it as systemdUnitPath.";
    }};

    role = lib.mkOption {{
      type = lib.types.enum [ "controller" "controller+worker" "single" "worker" ];
      default = "controller";
      description = "The role of the host in k0sctl.yaml. Every role but worker has the users of a controller.";
    }};

    dataDir = lib.mkOption {{
      type = lib.types.str;
      default = "/var/lib/k0s";
      description = "The data directory of k0s, which is the home of its users.";
    }};

    declareUsers = lib.mkOption {{
      type = lib.types.bool;
      default = !config.users.mutableUsers;
      description = "Whether the users of a controller are declared. Where users are mutable, k0s creates them itself.";
    }};

    extraPackages = lib.mkOption {{
      type = lib.types.listOf lib.types.package;
      default = [ ];
      description = "More programs that k0s or k0sctl shall find on the host.";
    }};
  }};

  config = lib.mkIf cfg.enable {{
    assertions = [
      {{
        assertion = builtins.substring 0 1 cfg.unitPath == "/";
        message = "k0sHost.unitPath must be an absolute path.";
      }}
      {{
        assertion = cfg.unitPath != "/etc/systemd/system";
        message = "k0sHost.unitPath must not be /etc/systemd/system, which is read-only on NixOS.";
      }}
    ];

    # In front of systemd's own directories: see "systemctl show -p UnitPath".
    boot.extraSystemdUnitPaths = [ cfg.unitPath ];

    systemd.tmpfiles.rules = [ "d ${{cfg.unitPath}} 0755 root root -" ];

    environment.systemPackages = [
      pkgs.curl
      pkgs.hostname
      pkgs.iproute2
      pkgs.kmod
      pkgs.util-linux
    ] ++ cfg.extraPackages;

    users.users = lib.mkIf (cfg.declareUsers && isController) (
      lib.genAttrs controllerUsers (name: {{
        isSystemUser = true;
        group = "nogroup";
        home = cfg.dataDir;
      }})
    );
  }};
}}
