//! The least that an HTTP server can do: the bytes of a file a path, for comparison. `benches/load.py` starts it.
//!
//! usage: bare ADDRESS PATH=FILE…

use axum::Router;
use axum::http::header;
use axum::routing::get;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let address = arguments.next().ok_or("usage: bare ADDRESS PATH=FILE…")?;
    let mut router = Router::new();
    for argument in arguments {
        let (path, file) = argument.split_once('=').ok_or("usage: bare ADDRESS PATH=FILE…")?;
        let body = axum::body::Bytes::from(std::fs::read(file)?);
        let answer = move || {
            let body = body.clone();
            async move { ([(header::CONTENT_TYPE, "application/json")], body) }
        };
        router = router.route(path, get(answer));
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        axum::serve(listener, router).await?;
        Ok(())
    })
}
