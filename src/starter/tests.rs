//! Files of new projects.

use super::*;

#[test]
fn the_program_carries_the_bundled_project() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = bundled();
    for needed in
        ["clearwell.toml", "sql/dbt_project.yml", "data/orders.csv", "warehouse/README.md"]
    {
        assert!(files.iter().any(|file| file.path == needed), "{needed}");
    }
    for file in &files {
        assert_eq!(std::fs::read(root.join(&file.path)).unwrap(), file.content, "{}", file.path);
    }
}

#[test]
fn nothing_is_overwritten_and_nothing_is_written_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str| NewFile { path: path.to_owned(), content: b"new".to_vec() };
    std::fs::write(folder.path().join("b"), "old").unwrap();
    let error = write(folder.path(), &[file("a/x"), file("b")]).unwrap_err().to_string();
    assert!(error.contains("is there already, and is not overwritten"), "{error}");
    assert_eq!(std::fs::read(folder.path().join("b")).unwrap(), b"old");
    assert!(!folder.path().join("a").exists());
    write(folder.path(), &[file("a/x")]).unwrap();
    assert_eq!(std::fs::read(folder.path().join("a/x")).unwrap(), b"new");
}
