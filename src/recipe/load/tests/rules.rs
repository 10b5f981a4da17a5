//! How build blocks become the rule for one release.

use super::{Project, block, k0s};
use crate::recipe::model::Driver;
use crate::recipe::rule::{RuleError, build_rule};
use crate::release::Release;

fn release(tag: &str) -> Release {
    Release::parse(&tag.parse().unwrap()).unwrap()
}

#[test]
fn build_blocks_merge() {
    let project = Project::new();
    let recipe = k0s("[[component.k0s.build]]\nldflags = [\"-w\"]\nenv = { A = \"3\", C = \"4\" }");
    project.write(
        "recipes/upstreams/k0s.toml",
        r#"git = "https://h/x"
[[build]]
versions = ">=1.2"
driver = "go"
ldflags = ["-s"]
tags = ["a"]
env = { A = "1", B = "2" }
[[build]]
driver = "make"
goal = "all"
args = ["V={version}"]
[[build]]
versions = ">=1.3"
driver = "go"
flags_from = "make"
tags = ["b"]
[[build]]
versions = ">=1.4"
driver = "go"
packages = ["main.go"]
cgo = true
"#,
    );
    let upstream = &project.load(&recipe).unwrap().recipe.components.remove(&"k0s".parse().unwrap()).unwrap().upstream;
    let rule = |tag: &str, driver| build_rule(upstream, Some(&release(tag)), driver).unwrap();
    let old = rule("v1.2.0", None);
    assert_eq!((old.driver, old.packages, old.tags), (Driver::Go, vec![".".to_owned()], vec!["a".to_owned()]));
    assert_eq!((old.ldflags, old.cgo, old.flags_from_make), (vec!["-w".to_owned()], Some(false), false));
    assert_eq!(old.env.values().collect::<Vec<_>>(), ["3", "2", "4"]);
    let from_make = rule("v1.3.0", None);
    assert_eq!((from_make.flags_from_make, from_make.cgo, from_make.tags), (true, None, vec!["b".to_owned()]));
    assert_eq!((from_make.make.goal.as_deref(), &from_make.make.args[..]), (Some("all"), &["V={version}".to_owned()][..]));
    let own = rule("v1.4.0", None);
    assert_eq!((own.flags_from_make, own.packages, own.cgo), (false, vec!["main.go".to_owned()], Some(true)));
    assert_eq!(rule("v1.0.0", None).driver, Driver::Make);
    assert_eq!(rule("v1.4.0", Some(Driver::Make)).make.goal.as_deref(), Some("all"));
    let error = build_rule(upstream, Some(&release("v1.4.0")), Some(Driver::Docker)).unwrap_err();
    assert_eq!(error.to_string(), "upstream k0s cannot be built by driver docker");
    let error = build_rule(upstream, Some(&release("v1.0.0")), Some(Driver::Go)).unwrap_err();
    assert_eq!(miette::Diagnostic::help(&error).unwrap().to_string(), "for this release there are: make");
}

#[test]
fn the_recipes_own_driver_counts_first() {
    let loaded = Project::new().load(k0s("[[component.k0s.build]]\ndriver = \"make\"")).unwrap();
    let upstream = &loaded.recipe.component(&"k0s".parse().unwrap()).unwrap().upstream;
    assert_eq!(build_rule(upstream, Some(&release("v1.36.0")), None).unwrap().driver, Driver::Make);
}

#[test]
fn a_release_that_no_block_is_for_cannot_be_built() {
    let project = Project::new();
    project.write("recipes/upstreams/k0s.toml", block("versions = \">=1.31\"\ndriver = \"go\""));
    let loaded = project.load(k0s("replace = [\"service\"]\n[component.service]")).unwrap();
    let upstream = |name: &str| &loaded.recipe.components[&name.parse().unwrap()].upstream;
    let error = |release: Option<&Release>| build_rule(upstream("k0s"), release, None).unwrap_err();
    assert_eq!(
        error(Some(&release("v1.30.0"))).to_string(),
        "upstream k0s has no [[build]] for v1.30.0: there is one for >=1.31"
    );
    assert!(miette::Diagnostic::help(&error(None)).unwrap().to_string().contains("as = "));
    assert!(matches!(build_rule(upstream("service"), None, None), Err(RuleError::NotProgram { .. })));
}
