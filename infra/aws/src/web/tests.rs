#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::guard::Refusal;
use super::*;

const TIME: Duration = Duration::from_secs(5);
const SMALL: Limits = Limits {
    bytes: 1_000,
    time: TIME,
};

/// A server that gives each request's head, in lower case, to `answer`, and what that says to the client, to the letter.
async fn server(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let head = head(&mut stream).await;
                let _ = stream.write_all(answer(&head).as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    origin
}

async fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 1024];
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        let size = stream.read(&mut buffer).await.unwrap();
        if size == 0 {
            break;
        }
        read.extend_from_slice(buffer.get(..size).unwrap());
    }
    String::from_utf8(read).unwrap().to_lowercase()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

fn call(url: String) -> Call {
    Call {
        method: Method::Post,
        url,
        headers: vec![("authorization", "Bearer secret".to_owned())],
        body: b"{}".to_vec(),
    }
}

fn local(origin: &str) -> Web {
    Web::with_local(vec![origin.to_owned()])
}

async fn fetch(web: &Web, address: &str) -> Result<Vec<u8>, FetchRefused> {
    web.fetch(address, &[], SMALL).await?.whole().await
}

#[tokio::test]
async fn a_call_brings_status_body_and_how_long_to_wait() {
    let origin = server(|head| {
        assert!(head.starts_with("post /messages http/1.1"));
        assert!(head.contains("authorization: bearer secret"));
        "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno".to_owned()
    })
    .await;
    let answer = local(&origin)
        .call(&call(format!("{origin}/messages")), TIME)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.retry_after, answer.body.as_slice()),
        (429, Some(7), b"no".as_slice())
    );
}

#[tokio::test]
async fn only_a_call_that_found_no_connection_was_not_sent() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let web = local(&nobody);
    assert_eq!(web.call(&call(nobody), TIME).await, Err(CallFailed::NotSent));

    // Closes the connection without a word.
    let mute = server(|_| String::new()).await;
    assert_eq!(web.call(&call(mute), TIME).await, Err(CallFailed::Unknown));
    let torn = server(|_| "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_owned()).await;
    assert_eq!(web.call(&call(torn), TIME).await, Err(CallFailed::Unknown));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    let soon = Duration::from_millis(100);
    assert_eq!(web.call(&call(silent), soon).await, Err(CallFailed::Unknown));

    let mut broken = call("http://127.0.0.1:1/".to_owned());
    broken.headers = vec![("authorization", "a\r\nb".to_owned())];
    assert_eq!(web.call(&broken, TIME).await, Err(CallFailed::NotSent));
}

#[tokio::test]
async fn a_call_is_made_once_and_follows_nothing() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let origin = server(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        moved("/elsewhere")
    })
    .await;
    let answer = local(&origin).call(&call(origin.clone()), TIME).await.unwrap();
    assert_eq!((answer.status, asked.load(Ordering::SeqCst)), (302, 1));
}

#[tokio::test]
async fn of_a_long_answer_no_more_than_a_mebibyte_is_read() {
    let origin = server(|_| ok(&"x".repeat(LONGEST_ANSWER + 5))).await;
    let answer = local(&origin).call(&call(origin.clone()), TIME).await.unwrap();
    assert_eq!(answer.body.len(), LONGEST_ANSWER);
}

#[tokio::test]
async fn p_sec_04_plain_http_is_spoken_on_one_machine_only() {
    let origin = server(|_| ok("secret")).await;
    let web = Web::with_local(Vec::new());
    assert_eq!(
        web.call(&call(origin.clone()), TIME).await,
        Err(CallFailed::NotSent)
    );
    assert_eq!(fetch(&web, &origin).await, Err(Refusal::Scheme.into()));
}

#[tokio::test]
async fn p_sec_04_the_local_origin_is_the_one_exception_to_the_letter() {
    let origin = server(|_| ok("here")).await;
    let other = server(|_| ok("secret")).await;
    let web = local(&origin);
    assert_eq!(fetch(&web, &format!("{origin}/file")).await.unwrap(), b"here");
    let port = origin.rsplit(':').next().unwrap();
    for refused in [
        other,
        format!("http://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("{origin}0/"),
        format!("{origin}@example.com/"),
        format!("http://user@127.0.0.1:{port}/"),
    ] {
        assert_eq!(
            fetch(&web, &refused).await,
            Err(Refusal::Scheme.into()),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn p_sec_04_a_redirect_is_judged_like_an_address() {
    let inside = server(|_| ok("secret")).await;
    let tricks = [
        (inside, Refusal::Scheme),
        ("https://169.254.169.254/latest".to_owned(), Refusal::Number),
        ("//127.0.0.1/".to_owned(), Refusal::Scheme),
        ("https://0x7f.1/".to_owned(), Refusal::Malformed),
        ("https://user@example.com/".to_owned(), Refusal::User),
        ("file:///etc/passwd".to_owned(), Refusal::Scheme),
        ("https://localhost/".to_owned(), Refusal::Host),
    ];
    for (to, refusal) in tricks {
        let target = to.clone();
        let origin = server(move |_| moved(&target)).await;
        assert_eq!(fetch(&local(&origin), &origin).await, Err(refusal.into()), "{to}");
    }
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let origin = server(|head| {
        let left = |path: &str| head.starts_with(&format!("get {path} "));
        match () {
            () if left("/4") => moved("/3"),
            () if left("/3") => moved("2"),
            () if left("/2") => moved("./1"),
            () if left("/1") => moved("/0"),
            () => ok("found"),
        }
    })
    .await;
    let web = local(&origin);
    assert_eq!(fetch(&web, &format!("{origin}/3")).await.unwrap(), b"found");
    assert_eq!(
        fetch(&web, &format!("{origin}/4")).await,
        Err(FetchRefused::Redirects)
    );
    let nowhere = server(|_| "HTTP/1.1 302 Found\r\n\r\n".to_owned()).await;
    assert_eq!(
        fetch(&local(&nowhere), &nowhere).await,
        Err(FetchRefused::Redirects)
    );
}

#[tokio::test]
async fn p_sec_04_credentials_go_to_the_first_host_alone() {
    let other = server(|head| {
        ok(if head.contains("secret") {
            "told"
        } else {
            "not told"
        })
    })
    .await;
    let away = other.clone();
    let first = server(move |head| match head.contains("authorization: basic secret") {
        true if head.starts_with("get /again ") => moved(&away),
        true => moved("/again"),
        false => ok("no credentials"),
    })
    .await;
    let web = Web::with_local(vec![first.clone(), other]);
    let found = web
        .fetch(&first, &[("authorization", "Basic secret")], SMALL)
        .await
        .unwrap();
    assert_eq!(found.whole().await.unwrap(), b"not told");
}

#[tokio::test]
async fn p_sec_04_a_name_that_stands_for_this_machine_is_refused_by_the_resolver() {
    // Past the guard of names, as any public name could point here.
    let web = Web::with_local(Vec::new());
    let client = web.shared.fetches().unwrap();
    let error = client.get("https://localhost/").send().await.unwrap_err();
    assert_eq!(fetch::refused(&error), Refusal::Number.into());
}

#[tokio::test]
async fn sizes_are_counted_and_not_believed() {
    let said = server(|_| "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".to_owned()).await;
    assert_eq!(fetch(&local(&said), &said).await, Err(FetchRefused::TooLarge));
    let unsaid = server(|_| {
        format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
            "x".repeat(1_001)
        )
    })
    .await;
    assert_eq!(fetch(&local(&unsaid), &unsaid).await, Err(FetchRefused::TooLarge));
    let exact = server(|_| {
        format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
            "x".repeat(1_000)
        )
    })
    .await;
    assert_eq!(fetch(&local(&exact), &exact).await.unwrap().len(), 1_000);
    let short = server(|_| "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".to_owned()).await;
    assert_eq!(
        fetch(&local(&short), &short).await,
        Err(FetchRefused::Unreachable)
    );
}

#[tokio::test]
async fn whoever_drips_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let limits = Limits {
        time: Duration::from_millis(200),
        ..SMALL
    };
    let found = local(&origin).fetch(&origin, &[], limits).await.unwrap();
    assert_eq!(found.whole().await, Err(FetchRefused::TimeUp));
}

#[tokio::test]
async fn other_statuses_are_refusals_that_say_whether_to_try_again() {
    let origin = server(|_| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
    assert_eq!(
        fetch(&local(&origin), &origin).await,
        Err(FetchRefused::Status(404))
    );
    assert!(!FetchRefused::Status(404).is_transient());
    assert!(FetchRefused::Status(503).is_transient());
    assert!(!FetchRefused::from(Refusal::Number).is_transient());
}
