//! Stripe's own mock of its API, which checks every request against Stripe's OpenAPI document. It is a Go program: it is
//! installed under `target/` when Go is there.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use deployed::instance::FileLock;
use deployed::workspace::Workspace;
use local::process::{capture, supervised};
use serde_json::Value;
use terminal::cancel::Cancel;
use terminal::progress::Progress;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const MODULE: &str = "github.com/stripe/stripe-mock";

/// The module's checksum is in Go's public checksum database, against which `go` verifies it.
const VERSION: &str = "v0.203.0";

/// A running mock.
pub struct StripeMock {
    pub url: String,
    /// It ends when its standard input is closed, and so with this; it has a process group of its own for that.
    _child: Child,
}

impl StripeMock {
    /// Installs the mock and starts it; `None` where that cannot be done, as [`available`] says it.
    pub async fn start() -> Option<Self> {
        available(Self::try_start().await)
    }

    async fn try_start() -> Result<Self, String> {
        let program = install().await?;
        // HTTPS has to be given an address too: it would listen on every one of the machine.
        let mut child = supervised(Path::new("python3"), &program)
            .args(["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("stripe-mock does not start: {error}"))?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut output = String::new();
        let found = tokio::time::timeout(Duration::from_secs(60), async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, address)) = line.split_once("Listening for HTTP at address: ") {
                    return Some(format!("http://{}", address.trim()));
                }
                let _ = writeln!(output, "{line}");
            }
            None
        });
        let url = found.await.ok().flatten().ok_or_else(|| format!("stripe-mock does not listen:\n{output}"))?;
        // The pipe stays open: a program that cannot write its log would stop.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { url, _child: child })
    }
}

async fn install() -> Result<PathBuf, String> {
    let home = Workspace::find().map_err(|error| error.to_string())?.toolchain();
    let directory = home.join(format!("stripe-mock-{VERSION}"));
    let program = directory.join("stripe-mock");
    std::fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let (lock, waiting) = (directory.join("lock"), "Another test is installing stripe-mock; waiting for it ...");
    let _lock =
        FileLock::take(&lock, waiting, Progress::silent(), &Cancel::new()).await.map_err(|error| error.to_string())?;
    if !program.exists() {
        go(Command::new("go").args(["install", &format!("{MODULE}@{VERSION}")]).env("GOBIN", &directory)).await?;
    }
    Ok(program)
}

/// Stripe's OpenAPI document, of the mock's version; `None` where it cannot be had, as [`available`] says it.
pub async fn specification() -> Option<Value> {
    let read = async {
        let output = go(Command::new("go").args(["mod", "download", "-json", &format!("{MODULE}@{VERSION}")])).await?;
        let download: Value = serde_json::from_str(&output).map_err(|error| error.to_string())?;
        let path = Path::new(download["Dir"].as_str().unwrap_or_default()).join("embedded/openapi/spec3.json");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| error.to_string())
    };
    available(read.await)
}

/// What is there. Where it is not, that is said on standard error for everybody to see; in CI (where `CI` is set) it is
/// a failure.
fn available<T>(result: Result<T, String>) -> Option<T> {
    let why = match result {
        Ok(there) => return Some(there),
        Err(why) => why,
    };
    assert!(std::env::var_os("CI").is_none(), "the contract with Stripe was not tested: {why}");
    // Not `eprintln!`: the test harness would keep it to itself.
    let text = format!("\n!!! NOT RUN: the contract with Stripe's API was not tested: {why}\n\n");
    let _ = std::io::stderr().write_all(text.as_bytes());
    None
}

async fn go(command: &mut Command) -> Result<String, String> {
    let captured = capture(command, &Cancel::new()).await.map_err(|error| error.to_string())?;
    if captured.status.success() { Ok(captured.stdout) } else { Err(captured.tail()) }
}
