//! What an operator gets: `forge kit`.

use std::fs;
use std::path::Path;

use crate::kit::{Program, Sandbox, installed, names, skip, tool, tool_ok};

const COMPONENTS: &str = "[component.app]\nlines = [\"~1.2\"]\n";

/// The project `app` with these lines at the end of its recipe, and a template.
fn with_kit(lines: &str, template: &str) -> (Sandbox, crate::kit::Upstream) {
    let (sandbox, up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.recipe("app", &format!("{COMPONENTS}\n{lines}"));
    sandbox.write("recipes/app.kit/steps.md", template);
    (sandbox, up)
}

const KIT: &str = "\
[values]
units = \"/srv/units\"

[[kit]]
name   = \"bin/app\"
binary = \"app\"

[[kit]]
name     = \"steps.md\"
template = \"recipes/app.kit/steps.md\"
";

#[test]
fn a_kit_holds_binaries_and_templates_with_the_values_of_the_lock() {
    let template =
        "{app.version} {app.version_bare} {app.commit_short} {app.binary} {units} {recipe} {os}/{arch} {{}}\n{app.sha256}\n";
    let (sandbox, up) = with_kit(KIT, template);
    let ran = sandbox.forge(&["kit", "--out", "out"]);
    ran.ok().prints("  out/bin/app\n").prints("  out/steps.md\n");
    let out = sandbox.project().join("out");
    assert_eq!(names(&out), ["SHA256SUMS", "bin", "steps.md"]);
    let binary = out.join("bin/app");
    assert!(fs::symlink_metadata(&binary).unwrap().is_symlink());
    let sum = tool_ok(&out, "sha256sum", &["bin/app"])[..64].to_owned();
    let (short, host) = (&up.id("v1.2.3")[..7], crate::kit::host());
    assert_eq!(sandbox.read("out/steps.md"), format!("v1.2.3 1.2.3 {short} bin/app /srv/units app {host} {{}}\n{sum}\n"));
    tool_ok(&out, "sha256sum", &["-c", "SHA256SUMS"]);
    tool_ok(&out, "bin/app", &["version"]);
    // The binary of the kit is that of a build, and nothing is built again.
    sandbox.forge(&["build"]).ok().lacks("Compiling").prints(&sum);
    // Copies, and a document. An empty folder will do.
    fs::create_dir(sandbox.project().join("copy")).unwrap();
    let document = sandbox.forge(&["kit", "--out", "copy", "--copy", "--json", "--locked", "--offline"]).ok().json();
    let files = document["kit"]["files"].as_array().unwrap();
    assert_eq!(
        (&files[0]["name"], &files[0]["component"], &files[0]["version"]),
        (&"bin/app".into(), &"app".into(), &"v1.2.3".into())
    );
    assert_eq!((&files[0]["sha256"], files[1].get("component")), (&sum.as_str().into(), None));
    assert!(files[1]["template"].as_str().unwrap().ends_with("recipes/app.kit/steps.md"));
    assert!(fs::symlink_metadata(sandbox.project().join("copy/bin/app")).unwrap().is_file());
    tool_ok(&sandbox.project().join("copy"), "sha256sum", &["-c", "SHA256SUMS"]);
    // What is there stays as it is.
    sandbox.forge(&["kit", "--out", "out"]).code(1).says("is not empty").says("--out");
    assert_eq!(names(&out).len(), 3);
    assert!(sandbox.work_left().is_empty());
}

#[test]
fn a_kit_that_cannot_be_made_leaves_nothing() {
    let (sandbox, _up) = with_kit(KIT, "{service.version}\n");
    sandbox.recipe(
        "app",
        &format!("{COMPONENTS}\n[component.service]\nversion = \"v1.2.4\"\nmodule = \"github.com/kardianos/service\"\n{KIT}"),
    );
    // It is there, but the recipe does not lead to it.
    let ran = sandbox.forge(&["kit", "--out", "out"]);
    ran.code(1).says("steps.md:1: {service.version} has no value here");
    assert!(!sandbox.has("out"));
    let (sandbox, _up) = Sandbox::with_app(&["v1.2.3"]);
    sandbox.forge(&["kit", "--out", "out"]).code(1).says("the recipe app has no kit").says("[[kit]]");
    assert!(!sandbox.has("out"));
    sandbox.forge(&["kit"]).code(2).says("--out");
    sandbox.forge(&["kit", "--out", "out", "--target", "linux"]).code(2).says("--target");
}

#[test]
fn mistakes_of_a_kit_are_told_with_their_places() {
    let lines = "\
[values]
recipe = \"x\"
bad-name = \"x\"

[[kit]]
binary = \"app\"

[[kit]]
name = \"a\"

[[kit]]
name     = \"b\"
binary   = \"ap\"

[[kit]]
name     = \"c\"
binary   = \"app\"
template = \"recipes/app.kit/steps.md\"

[[kit]]
name     = \"SHA256SUMS\"
template = \"recipes/app.kit/steps.md\"

[[kit]]
name     = \"../d\"
template = \"recipes/app.kit/none.md\"

[[kit]]
name     = \"e\"
binary   = \"app\"

[[kit]]
name     = \"e/f\"
binary   = \"app\"
tempate  = \"x\"
";
    let (sandbox, _up) = with_kit(lines, "fine\nnot {app.verion} fine\n");
    let ran = sandbox.forge(&["kit", "--out", "out"]);
    ran.code(1)
        .says("a variable of this name is there already")
        .says("`values` cannot hold \"bad-name\"")
        .says("[[kit]] needs `name`")
        .says("[[kit]] needs `binary` or `template`")
        .says("the recipe has no component ap")
        .says("did you mean app?")
        .says("`binary` and `template` exclude each other")
        .says("forge itself writes the checksums")
        .says("recipes/app.kit/none.md cannot be read: there is no such file in the project")
        .says("`.` and `..` are not allowed")
        .says("file e/f is listed twice")
        .says("did you mean `template`?")
        .says("steps.md:2:5")
        .says("there is no variable {app.verion}")
        .says("did you mean {app.version}?");
}

/// The kit of the recipe `nixos`, made with small programs in the place of k0s and k0sctl.
fn nixos() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, release) in [("k0s", "v1.36.3+k0s.2"), ("k0sctl", "v0.32.2")] {
        let up = sandbox.upstream(name, Program { service: name == "k0s", ..Program::default() });
        up.release(release);
        sandbox.upstream_file(&up);
    }
    let real = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/nixos.toml")).unwrap();
    let values = real[real.find("[values]").unwrap()..].split_once("\n\n").unwrap().0;
    let kit = &real[real.find("[[kit]]").unwrap()..];
    let kit: String = kit.split_inclusive("\n\n").filter(|block| block.starts_with("[[kit]]")).collect();
    let components = "[component.k0s]\nlines = [\"~1.36\"]\nreplace = [\"service\"]\n[component.k0sctl]\nlines = [\"~0.32\"]\n[component.service]\n";
    sandbox.recipe("nixos", &format!("{components}\n{values}\n\n{kit}"));
    sandbox.forge(&["kit", "--recipe", "nixos", "--out", "kit"]).ok();
    sandbox
}

/// As much of NixOS's options and library as the module asks for: enough to evaluate it, and to find what it sets.
const STUB: &str = r#"
{ mutableUsers ? true, role ? "controller", unitPath ? null }:
let
  typed = name: check: { inherit name check; };
  lib = {
    mkOption = option: option;
    mkEnableOption = text: { type = lib.types.bool; default = false; description = "Whether to enable ${text}."; };
    mkIf = condition: content: if condition then content else { };
    genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    types = {
      str = typed "str" builtins.isString;
      bool = typed "bool" builtins.isBool;
      package = typed "package" builtins.isString;
      listOf = type: typed "listOf" (value: builtins.isList value && builtins.all type.check value);
      enum = words: typed "enum" (value: builtins.elem value words);
    };
  };
  pkgs = lib.genAttrs [ "curl" "hostname" "iproute2" "kmod" "util-linux" ] (name: name);
  module = import ./k0s-host.nix { inherit lib pkgs; config = { k0sHost = set; users = { inherit mutableUsers; }; }; };
  options = module.options.k0sHost;
  set = builtins.mapAttrs (name: option: option.default) options
    // { enable = true; inherit role; } // (if unitPath == null then { } else { inherit unitPath; });
  good = name: let option = options.${name}; in
    option.type.check set.${name} && builtins.isString option.description && builtins.stringLength option.description > 10;
in
assert builtins.all good (builtins.attrNames options);
{
  options = builtins.attrNames options;
  inherit (module) config;
  failed = map (a: a.message) (builtins.filter (a: !a.assertion) module.config.assertions);
}
"#;

#[test]
fn the_module_for_nixos_evaluates() {
    if !installed("nix-instantiate") {
        return skip("nix-instantiate (Debian: nix-bin) is not installed: the NixOS module of the kit is not evaluated");
    }
    let sandbox = nixos();
    sandbox.write("kit/stub.nix", STUB);
    let kit = sandbox.project().join("kit");
    let state = sandbox.root().join("nix");
    let evaluate = |args: &str| -> serde_json::Value {
        let script = format!(
            "NIX_REMOTE= NIX_STATE_DIR={0} NIX_STORE_DIR={0}/store exec nix-instantiate --eval --strict --json --readonly-mode stub.nix {args}",
            state.display()
        );
        let out = tool(&kit, "sh", &["-c", &script]);
        assert!(out.status.success(), "{args}: {}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let plain = evaluate("--arg mutableUsers true");
    assert_eq!(plain["options"], serde_json::json!(["dataDir", "declareUsers", "enable", "extraPackages", "role", "unitPath"]));
    let config = &plain["config"];
    assert_eq!(config["boot"]["extraSystemdUnitPaths"], serde_json::json!(["/etc/systemd-mutable/system"]));
    assert_eq!(config["systemd"]["tmpfiles"]["rules"], serde_json::json!(["d /etc/systemd-mutable/system 0755 root root -"]));
    assert_eq!(config["environment"]["systemPackages"].as_array().unwrap().len(), 5);
    assert_eq!((&config["users"]["users"], &plain["failed"]), (&serde_json::json!({}), &serde_json::json!([])));
    let declared = evaluate("--arg mutableUsers false");
    let users = declared["config"]["users"]["users"].as_object().unwrap();
    assert_eq!(users.keys().collect::<Vec<_>>(), ["etcd", "konnectivity-server", "kube-apiserver", "kube-scheduler"]);
    assert_eq!(users["etcd"]["isSystemUser"], true);
    let worker = evaluate("--arg mutableUsers false --argstr role worker");
    assert_eq!(worker["config"]["users"]["users"], serde_json::json!({}));
    let wrong = evaluate("--arg mutableUsers true --argstr unitPath /etc/systemd/system");
    assert_eq!(wrong["failed"].as_array().unwrap().len(), 1, "{wrong}");
}

#[test]
fn the_kit_for_nixos_names_the_releases_of_the_lock() {
    let sandbox = nixos();
    assert_eq!(
        names(&sandbox.project().join("kit")),
        ["README.md", "SHA256SUMS", "k0s", "k0s-host.nix", "k0sctl", "k0sctl-stock.yaml", "k0sctl.yaml"]
    );
    let yaml = sandbox.read("kit/k0sctl.yaml");
    for line in
        ["    version: v1.36.3+k0s.2\n", "    k0sBinaryPath: ./k0s\n", "    systemdUnitPath: /etc/systemd-mutable/system\n"]
    {
        assert!(yaml.contains(line), "{yaml}");
    }
    let stock = sandbox.read("kit/k0sctl-stock.yaml");
    assert!(stock.contains("|| k0s install controller --systemd-unit-path /etc/systemd-mutable/system\n"), "{stock}");
    assert!(stock.contains("    installFlags:\n    - --force\n    - --env=PATH=/run/wrappers/bin:"), "{stock}");
    let readme = sandbox.read("kit/README.md");
    assert!(readme.contains("# k0s v1.36.3+k0s.2 on NixOS, by k0sctl v0.32.2\n"), "{readme}");
    assert!(readme.contains("service v1.2.2,"), "{readme}");
    for name in names(&sandbox.project().join("kit")).iter().filter(|name| *name != "README.md") {
        assert!(readme.contains(&format!("`{name}`")), "README.md does not tell of {name}");
    }
}
