//! `clearwell openapi`.

use crate::support::{TestProject, root, run_in};

const RENEW: &str = "openapi.yaml is not what `clearwell openapi` prints for the bundled project; renew it with \
    `cargo run -- build && cargo run -- openapi > openapi.yaml`";

#[test]
fn the_document_at_the_root_is_the_one_that_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = folder.path().join("warehouse");
    let run = |arguments: &[&str]| {
        let places = ["--warehouse", warehouse.to_str().unwrap()];
        run_in(&root(), &[arguments, &places].concat()).success().stdout
    };
    run(&["build", "--quiet"]);
    let printed = run(&["openapi"]);
    let kept = std::fs::read_to_string(root().join("openapi.yaml")).unwrap_or_default();
    assert!(printed == kept, "{RENEW}");
    let json: serde_json::Value = serde_json::from_str(&run(&["openapi", "--json"])).unwrap();
    assert_eq!(json["openapi"], "3.1.0");
    assert!(json["paths"].get("/api/v1/daily_sales").is_some());
}

#[test]
fn without_a_version_there_is_nothing_to_describe() {
    TestProject::new("")
        .run(["openapi"])
        .failure(1)
        .says("has no version yet")
        .says("clearwell build");
}
