//! Tokens and users from the command line.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{TestProject, command};

const EMPTY: &str = "\
//- /models/one.sql
select 1 as n
";

#[test]
fn a_token_is_signed_with_the_projects_own_key() {
    let project = TestProject::new(EMPTY);
    let token =
        project.run(["token", "--scope", "a", "--scope", "b", "--claim", "region=EU"]).success();
    assert_eq!(token.stdout.trim().split('.').count(), 3, "{}", token.stdout);
    assert!(token.stdout.ends_with('\n'));
    assert!(project.path().join(".clearwell/keys.json").is_file());
    assert_eq!(
        std::fs::read_to_string(project.path().join(".clearwell/.gitignore")).unwrap(),
        "*\n"
    );
    let json = project.run(["--json", "token", "--expires", "2h"]).success();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["token_type"], &json["expires_in"]), (&"Bearer".into(), &7200.into()));
    project.run(["token", "--claim", "region"]).failure(1).says("write NAME=VALUE");
    project.run(["token", "--expires", "soon"]).failure(2).says("like `12h`");
}

#[test]
fn users_come_and_go() {
    let project = TestProject::new(EMPTY);
    let add = |arguments: &[&str], password: &str| {
        let all: Vec<&str> = ["user", "add"].iter().chain(arguments).copied().collect();
        let mut started = command(project.path(), &all)
            .arg("--password-stdin")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        started.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        let ended = started.wait_with_output().unwrap();
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    assert_eq!(add(&["ann", "--scope", "tables", "--claim", "region=EU"], "secret\n").0, Some(0));
    let listed = project.run(["user", "list"]).success();
    assert_eq!(listed.stdout, "ann  tables region=\"EU\"\n");
    let file = std::fs::read_to_string(project.path().join(".clearwell/users.toml")).unwrap();
    assert!(file.contains("$argon2id$") && !file.contains("secret"), "{file}");
    for (arguments, password, told) in [
        (&["ann"][..], "other\n", "there is a user `ann` already"),
        (&["a b"], "other\n", "cannot name a user"),
        (&["bob"], "\n", "the password has to have"),
    ] {
        let (code, said) = add(arguments, password);
        assert!(code == Some(1) && said.contains(told), "{arguments:?}: {said}");
    }
    project.run(["user", "remove", "ann"]).success();
    project.run(["user", "remove", "ann"]).failure(1).says("there is no user `ann`");
    assert_eq!(project.run(["--json", "user", "list"]).success().stdout, "[]\n");
    project.write(".clearwell/users.toml", "[users.eve]\npassword = \"plain\"\n");
    project.run(["user", "list"]).failure(1).says("the password of `eve`");
}
