//! The promise table of the README, made from the names of the tests: `p_ret_01_…` stands for RET-01. It
//! can neither name a test that is gone nor forget one that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::harness::root;

const BEGIN: &str = "<!-- promises:begin -->\n";
const END: &str = "<!-- promises:end -->";
/// The areas of the register of promises.
const AREAS: [&str; 8] = ["col", "ai", "ret", "del", "rgt", "con", "sec", "gov"];

/// Promise -> `(file, test)`.
type Kept = BTreeMap<String, BTreeSet<(String, String)>>;

#[test]
fn the_readme_lists_the_promises_that_have_tests_and_no_others() {
    let mut kept = Kept::new();
    walk(&root(), "", &mut kept);
    let wanted = table(&kept);
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(BEGIN).unwrap();
    let (found, _) = rest.split_once(END).unwrap();
    assert!(
        found == wanted,
        "README.md is behind the tests. Replace what stands between the lines\n{BEGIN}and\n{END}\nby:\n\n{wanted}"
    );
}

/// Collects the tests of all sources below `folder`, which is `name` from the root.
fn walk(folder: &Path, name: &str, kept: &mut Kept) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let below = format!("{name}{file}");
        if path.is_dir() {
            // Builds, installed tools, the local stack's data, the repository itself.
            if file != "target" && !file.starts_with('.') {
                walk(&path, &format!("{below}/"), kept);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            for test in tests(&std::fs::read_to_string(&path).unwrap()) {
                let promises = promises(&test);
                assert!(!promises.is_empty(), "{below}: {test} names no promise");
                for promise in promises {
                    kept.entry(promise)
                        .or_default()
                        .insert((below.clone(), test.clone()));
                }
            }
        }
    }
}

/// Names of the tests in a source that start with `p_`. An ignored one keeps nothing.
fn tests(source: &str) -> Vec<String> {
    let (mut names, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if line.starts_with("#[ignore") {
            is_test = false;
        } else if let Some(signature) = line.strip_prefix("async fn ").or(line.strip_prefix("fn ")) {
            let name = signature.split('(').next().unwrap_or_default();
            if std::mem::take(&mut is_test) && name.starts_with("p_") {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// The promises that a test's name starts with: one or several.
fn promises(test: &str) -> Vec<String> {
    let words: Vec<&str> = test.split('_').collect();
    let promise = |words: &[&str]| match words {
        ["p", area, number]
            if AREAS.contains(area) && number.len() == 2 && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Some(format!("{}-{number}", area.to_uppercase()))
        }
        _ => None,
    };
    words.chunks(3).map_while(promise).collect()
}

fn table(kept: &Kept) -> String {
    let mut table = String::from("| promise | kept by |\n|---|---|\n");
    for (promise, tests) in kept {
        let tests: Vec<String> = tests
            .iter()
            .map(|(file, test)| format!("[`{test}`]({file})"))
            .collect();
        writeln!(table, "| {promise} | {} |", tests.join("<br>")).unwrap();
    }
    table
}

#[test]
fn promises_are_read_from_the_names_of_tests() {
    let source = "#[test]\nfn p_ret_01_p_del_09_a() {}\n  #[tokio::test]\n  async fn p_ai_02_b() {}\n\
        fn p_ai_03_helper() {}\n#[test]\n#[ignore = \"x\"]\nfn p_ai_04_c() {}\n#[test]\nfn plain() {}\n";
    assert_eq!(tests(source), ["p_ret_01_p_del_09_a", "p_ai_02_b"]);
    assert_eq!(promises("p_ret_01_p_del_09_a"), ["RET-01", "DEL-09"]);
    assert_eq!(promises("p_ai_02_a_p_ret_01"), ["AI-02"]);
    for none in [
        "p_retention",
        "p_xyz_01_a",
        "p_ret_1_a",
        "p_ret_001_a",
        "ret_01_a",
    ] {
        assert!(promises(none).is_empty(), "{none}");
    }
}
