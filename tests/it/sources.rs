//! Where sources come from: releases, tags, branches, commits, other origins, and no network.

use crate::kit::Sandbox;

#[test]
fn the_newest_release_of_a_line_is_built() {
    let (sandbox, up) =
        Sandbox::with_app(&["v1.2.3+k0s.0", "v1.2.10+k0s.1", "v1.2.10+k0s.0", "v1.2.11-rc.1+k0s.0", "v1.3.0+k0s.0"]);
    let ran = sandbox.forge(&["build"]);
    ran.ok().says("lock: app v1.2.10+k0s.1 is new");
    assert!(sandbox.read("recipes/app.lock").contains(&up.id("v1.2.10+k0s.1")));
    let built = sandbox.forge(&["build", "--json"]).ok().json();
    assert_eq!(built["artifacts"][0]["version"], "v1.2.10+k0s.1");
    assert_eq!(built["artifacts"][0]["cached"], true);
}
