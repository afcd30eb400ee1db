//! A small HTTP/1 server on loopback whose connections end when its handle is dropped: nothing of a
//! stopped stack lives on, and a function notices at once that its Runtime API is gone.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt as _;

/// A running server. Dropping it closes the listener and every connection.
#[derive(Debug)]
pub(crate) struct Server {
    task: JoinHandle<()>,
    address: SocketAddr,
}

impl Server {
    /// Serves `router` on `listener`.
    pub(crate) fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self {
            task: tokio::spawn(accept(listener, router)),
            address,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Marks an answer that is never sent.
#[derive(Debug, Clone, Copy)]
struct HangUp;

/// The connection was closed on purpose.
#[derive(Debug, thiserror::Error)]
#[error("closed instead of an answer")]
struct HungUp;

impl From<Infallible> for HungUp {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Instead of an answer: closes the connection without a byte.
pub(crate) fn hang_up() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(HangUp);
    response
}

/// Binds a port on loopback, 0 for any free one. Nothing else is ever bound.
pub(crate) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await
}

async fn accept(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // Out of file descriptors, most likely: give connections time to end.
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                };
                // A latency of 40 ms per call is what Nagle and delayed acknowledgements make of small answers.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "nodelay");
                }
                let service = router.clone().map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                    request.extensions_mut().insert(ConnectInfo(peer));
                    request.map(axum::body::Body::new)
                }).map_result(|answer: Result<Response, Infallible>| match answer {
                    Ok(answer) if answer.extensions().get::<HangUp>().is_some() => Err(HungUp),
                    Ok(answer) => Ok(answer),
                    Err(never) => match never {},
                });
                connections.spawn(async move {
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection ended early");
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
