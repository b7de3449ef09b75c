//! What people get wrong, and what they are told: a file of mistakes and a file of messages for each, in `tests/cases/`.

use crate::support::{TestProject, root};

/// What differs from run to run.
const FILTERS: [(&str, &str); 4] = [
    (r"\d+\.\d\d s", "[time]"),
    (r"run:\S+", "run:[id]"),
    (r"(/private)?/\S*/\.tmp\w+", "[folder]"),
    (r" +\n", "\n"),
];

/// Each file of `tests/cases/messages/` is a project in the form of [`TestProject::new`]. What `clearwell build` says of it
/// stands beside it; a new one needs no Rust.
#[test]
fn mistakes_are_explained() {
    insta::glob!(root().join("tests/cases"), "messages/*.txt", |file| {
        let project = TestProject::of_bytes(&std::fs::read(file).unwrap());
        let ran = project.run(["build", "--threads", "1"]);
        let said = format!("exit {}\n{}{}", ran.code, ran.stdout, ran.stderr);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(file.parent().unwrap());
        settings.set_prepend_module_to_snapshot(false);
        settings.remove_snapshot_suffix();
        settings.remove_input_file();
        settings.set_omit_expression(true);
        for (pattern, label) in FILTERS {
            settings.add_filter(pattern, label);
        }
        let name = file.file_stem().unwrap().to_string_lossy();
        settings.bind(|| insta::assert_snapshot!(&*name, said));
    });
}
