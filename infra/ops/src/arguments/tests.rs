//! Command lines, understood and refused.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
use super::*;
use usher_shared::Timestamp;

fn parsed(words: &[&str]) -> Result<Command, String> {
    match parse(words.iter().map(|word| (*word).to_owned())) {
        Ok(Parsed::Run(request)) => Ok(request.command),
        Ok(Parsed::Help) => panic!("help"),
        Err(OpsError::Arguments(text)) => Err(text),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn commands_are_understood() {
    let tenant = TenantId::derived(Timestamp::from_millis(1), [1; 10]);
    let key = ApiKeyId::derived(Timestamp::from_millis(1), [2; 10]);
    let (t, k) = (tenant.to_string(), key.to_string());
    let create = [
        "tenant",
        "create",
        "--name",
        "Villa",
        "--preset",
        "mail",
        "--admin=a@b.com",
    ];
    assert_eq!(
        parsed(&create).unwrap(),
        Command::TenantCreate {
            name: "Villa".to_owned(),
            preset: Preset::Mail,
            admin: "a@b.com".to_owned(),
            scopes: Scope::ALL.to_vec(),
        }
    );
    assert_eq!(parsed(&["tenant", "list"]).unwrap(), Command::TenantList);
    assert_eq!(
        parsed(&["model-key", "set", "anthropic"]).unwrap(),
        Command::ModelKeySet {
            provider: Api::Anthropic
        }
    );
    assert_eq!(
        parsed(&["model-key", "forget", "openai"]).unwrap(),
        Command::ModelKeyForget {
            provider: Api::OpenAi
        }
    );
    assert_eq!(
        parsed(&["model-key", "set", "bedrock"]).unwrap_err(),
        "<provider> bedrock is none of anthropic, openai"
    );
    // A key is no argument: what is one stands in the shell's history.
    assert!(parsed(&["model-key", "set", "openai", "sk-1"]).is_err());
    assert_eq!(
        parsed(&["restore", "replay", "--dry-run", "--from-ledger", "Ledger-1"]).unwrap(),
        Command::RestoreReplay {
            from: Some("Ledger-1".to_owned()),
            dry: true,
        }
    );
    assert_eq!(
        parsed(&[
            "key",
            "create",
            &t,
            "--scopes",
            "leads:read, traces:read",
            "--expires",
            "1w"
        ])
        .unwrap(),
        Command::KeyCreate {
            tenant,
            scopes: vec![Scope::LeadsRead, Scope::TracesRead],
            expires: Some(Duration::from_hours(168)),
        }
    );
    assert_eq!(
        parsed(&["--json", "key", "rotate", &t, "--overlap", "0s", &k]).unwrap(),
        Command::KeyRotate {
            tenant,
            key,
            overlap: Duration::ZERO,
        }
    );
    assert_eq!(
        parsed(&["key", "rotate", &t, &k]).unwrap(),
        Command::KeyRotate {
            tenant,
            key,
            overlap: OVERLAP,
        }
    );
}

#[test]
fn refusals_name_the_argument() {
    let t = TenantId::derived(Timestamp::from_millis(1), [1; 10]).to_string();
    let create = [
        "tenant", "create", "--name", "V", "--preset", "mail", "--admin", "a@b.com",
    ];
    let table: [(&[&str], &str); 25] = [
        (&["restore"], "restore"),
        (&["restore", "replay", "--from-ledger", "a b"], "--from-ledger"),
        (&["restore", "status", "--dry-run"], "--dry-run"),
        (&[], "command"),
        (&["tenant"], "tenant"),
        (&["tenant", "destroy"], "tenant destroy"),
        (&["frob", "list"], "frob list"),
        (&["tenant", "list", "--colour", "red"], "--colour"),
        (&["tenant", "list", "--scopes", "all"], "--scopes"),
        (&["tenant", "list", "more"], "more"),
        (&["tenant", "show"], "<tenant>"),
        (&["tenant", "show", "lead_x"], "<tenant>"),
        (&["key", "create", &t], "--scopes"),
        (
            &["key", "create", &t, "--scopes", "leads:fly"],
            "--scopes leads:fly",
        ),
        (
            &["key", "create", &t, "--scopes", "all", "--expires", "soon"],
            "--expires",
        ),
        (
            &["key", "create", &t, "--scopes", "all", "--expires", "99999w"],
            "--expires",
        ),
        (&["key", "revoke", &t], "<key>"),
        (&["hold"], "hold"),
        (
            &["hold", "place", &t, "cont_x", "--reason", "a"],
            "<conversation|lead>",
        ),
        (&["hold", "release", &t], "<hold>"),
        (&["hold", "list", &t, "--reason", "a"], "--reason"),
        (&["key", "revoke", &t, "--overlap"], "--overlap"),
        (&["tenant", "list", "--json", "--json"], "--json"),
        (&["tenant", "list", "--json=yes"], "--json"),
        (
            &["tenant", "list", "--local", "x", "--stack-outputs", "y"],
            "--local",
        ),
    ];
    for (words, named) in table {
        let text = parsed(words).unwrap_err();
        assert!(text.contains(named), "{words:?}: {text}");
    }
    for (option, bad) in [("--name", " "), ("--preset", "hotel"), ("--admin", "anna")] {
        let words: Vec<&str> = create
            .iter()
            .enumerate()
            .map(|(at, word)| {
                if at > 0 && create.get(at - 1) == Some(&option) {
                    bad
                } else {
                    *word
                }
            })
            .collect();
        let text = parsed(&words).unwrap_err();
        assert!(text.contains(option) && !text.contains("anna "), "{text}");
    }
}
