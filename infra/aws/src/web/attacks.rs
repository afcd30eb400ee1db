//! Addresses that lead inside, and ordinary ones that do not: lists in tests/vectors/attacks, written by hand and by
//! scripts/attack-vectors.py, which knows nothing of this code.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::dns::{Name, Resolve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fetch::{Lookup, PublicNames, refused};
use super::guard::{Refusal, public_address};
use super::*;

const ATTACKS: &str = include_str!("../../../../tests/vectors/attacks/ssrf.tsv");
const NAMES: &str = include_str!("../../../../tests/vectors/attacks/ssrf_names.tsv");
const ORDINARY: &str = include_str!("../../../../tests/vectors/attacks/ordinary.tsv");

/// Cells of each line that is no remark.
fn rows(list: &str) -> impl Iterator<Item = Vec<String>> {
    let lines = list
        .split('\n')
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let cells = line.split('\t');
        cells
            .map(|cell| cell.replace("\\t", "\t").replace("\\\\", "\\"))
            .collect()
    })
}

fn numbers(cell: &str) -> Vec<SocketAddr> {
    let number = |text: &str| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 0);
    cell.split(' ').map(number).collect()
}

/// Says what it was told to say, one answer after the other, and the last one for ever.
#[derive(Clone)]
struct Scripted(Arc<(Mutex<VecDeque<Vec<SocketAddr>>>, AtomicUsize)>);

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Vec<SocketAddr>>) -> Self {
        Self(Arc::new((
            Mutex::new(answers.into_iter().collect()),
            AtomicUsize::new(0),
        )))
    }

    fn asked(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl Lookup for Scripted {
    async fn numbers(&self, _name: &str) -> std::io::Result<Vec<SocketAddr>> {
        self.0.1.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.0.0.lock().unwrap();
        let next = answers.pop_front().unwrap_or_default();
        if answers.is_empty() {
            answers.push_back(next.clone());
        }
        Ok(next)
    }
}

#[test]
fn p_sec_04_no_address_of_the_attack_list_is_fetched_from() {
    let attacks: Vec<_> = rows(ATTACKS).collect();
    assert!(attacks.len() >= 300, "{}", attacks.len());
    let passed: Vec<_> = attacks
        .iter()
        .filter(|row| public_address(&row[0]).is_ok())
        .collect();
    assert!(passed.is_empty(), "{} bypasses: {passed:#?}", passed.len());
}

#[test]
fn no_ordinary_address_is_refused() {
    let ordinary: Vec<_> = rows(ORDINARY).collect();
    assert!(ordinary.len() >= 1_000, "{}", ordinary.len());
    let blocked: Vec<_> = ordinary
        .iter()
        .filter_map(|row| Some((public_address(&row[0]).err()?, row)))
        .collect();
    assert!(blocked.is_empty(), "{} false blocks: {blocked:#?}", blocked.len());
}

#[tokio::test]
async fn p_sec_04_a_name_that_resolves_inside_is_refused_after_one_look() {
    for row in rows(NAMES) {
        let [name, inside, why] = row.as_slice() else {
            panic!("{row:?}")
        };
        let url = public_address(&format!("https://{name}/")).unwrap();
        let lookup = Scripted::new([numbers(inside)]);
        let web = Web::with_local(Vec::new());
        let client = web.shared.public_client(lookup.clone()).unwrap();
        let error = client.get(url).send().await.unwrap_err();
        assert_eq!(refused(&error), Refusal::Number.into(), "{name}: {why}");
        assert_eq!(lookup.asked(), 1, "{name}");
    }
}

#[tokio::test]
async fn p_sec_04_a_name_that_changes_its_mind_gains_nothing() {
    let public = numbers("93.184.215.14 2606:4700::1");
    for row in rows(NAMES) {
        let lookup = Scripted::new([public.clone(), numbers(&row[1])]);
        let names = PublicNames(lookup.clone());
        let name = || "rebinds.example.com".parse::<Name>().unwrap();
        // What was looked at is what is connected to, to the number: there is no second look in between.
        let first: Vec<_> = names.resolve(name()).await.unwrap().collect();
        assert_eq!((first, lookup.asked()), (public.clone(), 1));
        assert!(names.resolve(name()).await.is_err(), "{row:?}");
    }
}

#[tokio::test]
async fn p_sec_04_no_redirect_leads_to_an_address_of_the_attack_list() {
    let attacks: Vec<String> = rows(ATTACKS).map(|row| row[0].clone()).collect();
    // What a header can carry as it is, and what leads elsewhere; `public_address` has judged the rest.
    let leads_away = |address: &String| {
        let away = address.contains("://") || ["https:", "//"].iter().any(|start| address.starts_with(start));
        let plain = address.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && address.trim() == *address;
        away && plain && address.len() < 1_000
    };
    let attacks: Vec<String> = attacks.into_iter().filter(leads_away).collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (targets, asked) = (attacks.clone(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        for target in targets {
            let (mut stream, _) = listener.accept().await.unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await.unwrap();
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {target}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let web = Web::with_local(vec![origin.clone()]);
    let limits = Limits {
        bytes: 1_000,
        time: Duration::from_secs(5),
    };
    for (number, attack) in (1..).zip(attacks) {
        let found = web.fetch(&origin, &[], limits).await;
        // One that is no address at all leads to nowhere.
        let refused = matches!(found, Err(FetchRefused::Address(_) | FetchRefused::Redirects));
        assert!(refused, "{attack}: {:?}", found.err());
        assert_eq!(asked.load(Ordering::SeqCst), number, "{attack} was asked again");
    }
}
