//! The servers that are there, and servers of our own that may be killed.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fleet::end;

const DEADLINE: Duration = Duration::from_secs(60);

/// The URL of a server: that of `variable`, or a local one where it listens. With the variable set,
/// a server that is missing fails the test.
fn url(variable: &str, default: &str, port: u16) -> Option<String> {
    if let Ok(url) = std::env::var(variable) {
        return Some(url);
    }
    let address = ([127, 0, 0, 1], port).into();
    if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
        return Some(default.to_owned());
    }
    println!("skipped: no server at {default}, and {variable} is not set");
    None
}

pub(crate) fn redis() -> Option<String> {
    url("REDIS_URL", "redis://127.0.0.1:6379", 6379)
}

pub(crate) fn postgres() -> Option<String> {
    let default = "postgres://postgres@127.0.0.1:5432/test";
    url("DATABASE_URL", default, 5432)
}

/// A name that no other run has.
pub(crate) fn unique(name: &str) -> String {
    let who = tower_webhook::store::Claimant::unique().get();
    format!("{name}_{:x}_{}", who >> 64, who & 0xffff)
}

/// A server of our own, with its files in a directory of its own.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    directory: PathBuf,
    port: u16,
    start: fn(&Path, u16) -> Child,
    /// Says by its status whether the server answers.
    ask: PathBuf,
    pub(crate) url: String,
}

impl Server {
    /// A `redis-server` that writes each change down before it says that it is done.
    pub(crate) fn redis() -> Option<Self> {
        Self::redis_by(start_redis)
    }

    /// A `redis-server` that writes nothing down.
    pub(crate) fn forgetful_redis() -> Option<Self> {
        Self::redis_by(start_forgetful_redis)
    }

    fn redis_by(start: fn(&Path, u16) -> Child) -> Option<Self> {
        if Command::new("redis-server")
            .arg("--version")
            .output()
            .is_err()
        {
            println!("skipped: no redis-server to start");
            return None;
        }
        let (directory, port) = (directory("redis"), free_port());
        let url = format!("redis://127.0.0.1:{port}");
        Some(Self::begin(directory, port, start, "redis-cli".into(), url))
    }

    /// A cluster of PostgreSQL with the settings that it comes with.
    pub(crate) fn postgres() -> Option<Self> {
        let Some(initdb) = program("initdb") else {
            println!("skipped: no PostgreSQL to start");
            return None;
        };
        let (directory, port) = (directory("postgres"), free_port());
        let mut init = as_postgres(&initdb, &directory);
        init.args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-sync",
            "-D",
        ]);
        let done = init.arg(directory.join("data")).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let ask = initdb.with_file_name("pg_isready");
        Some(Self::begin(directory, port, start_postgres, ask, url))
    }

    fn begin(
        directory: PathBuf,
        port: u16,
        start: fn(&Path, u16) -> Child,
        ask: PathBuf,
        url: String,
    ) -> Self {
        let mut server = Self {
            process: start(&directory, port),
            directory,
            port,
            start,
            ask,
            url,
        };
        server.wait();
        server
    }

    /// Kills the server, without a warning, and starts it again after `pause`.
    pub(crate) fn kill(&mut self, pause: Duration) {
        end(&mut self.process);
        std::thread::sleep(pause);
        self.process = (self.start)(&self.directory, self.port);
        self.wait();
    }

    /// Until it answers. What its last life left behind may not let it start at once.
    fn wait(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            assert!(Instant::now() < deadline, "{} does not start", self.url);
            std::thread::sleep(Duration::from_millis(20));
            if self.process.try_wait().unwrap().is_some() {
                self.process = (self.start)(&self.directory, self.port);
            } else if self.answers() {
                return;
            }
        }
    }

    fn answers(&self) -> bool {
        let mut ask = Command::new(&self.ask);
        ask.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if self.ask.ends_with("redis-cli") {
            ask.args(["-e", "ping"]);
        }
        let answer = ask.stdout(Stdio::null()).stderr(Stdio::null()).status();
        answer.is_ok_and(|status| status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.process);
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn start_redis(directory: &Path, port: u16) -> Child {
    let arguments = ["--appendonly", "yes", "--appendfsync", "always"];
    start_redis_with(&arguments, directory, port)
}

fn start_forgetful_redis(directory: &Path, port: u16) -> Child {
    start_redis_with(&["--appendonly", "no"], directory, port)
}

fn start_redis_with(arguments: &[&str], directory: &Path, port: u16) -> Child {
    let port = port.to_string();
    let mut server = Command::new("redis-server");
    server
        .args(["--port", &port, "--bind", "127.0.0.1", "--save", ""])
        .args(arguments)
        .arg("--dir")
        .arg(directory);
    spawn(server, directory)
}

fn start_postgres(directory: &Path, port: u16) -> Child {
    let mut server = as_postgres(&program("postgres").unwrap(), directory);
    server
        .args([
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-k",
        ])
        .arg(directory)
        .arg("-D")
        .arg(directory.join("data"));
    spawn(server, directory)
}

fn spawn(mut server: Command, directory: &Path) -> Child {
    let log = std::fs::File::options()
        .append(true)
        .create(true)
        .open(directory.join("log"));
    server.stdout(log.unwrap()).stderr(Stdio::null());
    server.spawn().unwrap()
}

pub(crate) fn directory(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(unique(name));
    std::fs::create_dir(&directory).unwrap();
    directory
}

pub(crate) fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}

/// A program of the newest PostgreSQL that is installed.
fn program(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.filter_map(|version| {
        let program = version.ok()?.path().join("bin").join(name);
        program.exists().then_some(program)
    });
    programs.max()
}

/// PostgreSQL refuses to run as root, so its own user runs it then.
fn as_postgres(program: &Path, directory: &Path) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|this| {
        use std::os::unix::fs::MetadataExt as _;
        this.uid() == 0
    });
    if !is_root {
        return Command::new(program);
    }
    let owned = Command::new("chown")
        .arg("postgres")
        .arg(directory)
        .status();
    assert!(owned.unwrap().success());
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
        .arg(program)
        .current_dir("/");
    command
}
