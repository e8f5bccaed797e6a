//! Checks whether a server on the loopback address answers.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Timeout of one check.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether `GET <base><path>` is answered with success; `base` is like `http://127.0.0.1:4566`.
pub async fn responds(base: &str, path: &str) -> bool {
    let Some(address) = base.strip_prefix("http://") else { return false };
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut status = [0; 10];
        stream.read_exact(&mut status).await?;
        Ok::<bool, std::io::Error>(&status == b"HTTP/1.1 2")
    };
    matches!(tokio::time::timeout(PATIENCE, ask).await, Ok(Ok(true)))
}
