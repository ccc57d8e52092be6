//! The SDKs: installed into a folder of the build, run with a bound on their time.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::timeout;

const INSTALL: Duration = Duration::from_secs(240);
const RUN: Duration = Duration::from_secs(120);
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk");

/// A language, its packages and how to get them.
pub(super) struct Language {
    name: &'static str,
    program: &'static str,
    installer: &'static [&'static str],
    packages: &'static str,
}

pub(super) const NODE: Language = Language {
    name: "node",
    program: "node",
    installer: &[
        "npm",
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
        "--loglevel=error",
    ],
    packages: "package.json",
};

pub(super) const PYTHON: Language = Language {
    name: "python",
    program: "python3",
    // `--no-compile` halves the time: most of what comes with the packages is never imported.
    installer: &[
        "python3",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--target=packages",
        "--requirement=requirements.txt",
    ],
    packages: "requirements.txt",
};

impl Language {
    fn home(&self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("sdk")
            .join(self.name)
    }

    /// Whether the packages are there as pinned; gets them where `may_install`.
    async fn ready(&self, may_install: bool) -> Result<(), String> {
        let home = self.home();
        let pinned = std::fs::read(Path::new(SOURCES).join(self.packages)).unwrap();
        let stamp = home.join("installed");
        if std::fs::read(&stamp).is_ok_and(|installed| installed == pinned) {
            return Ok(());
        }
        if !may_install {
            return Err(format!("the packages of {} are not installed", self.name));
        }
        // What another version left behind would stand beside this one.
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join(self.packages), &pinned).unwrap();
        let [program, args @ ..] = self.installer else {
            unreachable!()
        };
        let mut install = Command::new(program);
        install.args(args).current_dir(&home).stdin(Stdio::null());
        let done = timeout(INSTALL, install.kill_on_drop(true).output()).await;
        let done = done.map_err(|_| format!("{program} took over {INSTALL:?}"))?;
        let done = done.map_err(|err| format!("{program}: {err}"))?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            return Err(format!("{program}: {}\n{said}", done.status));
        }
        std::fs::write(stamp, pinned).unwrap();
        Ok(())
    }

    /// Runs a script of `tests/sdk` with `input` on its standard input: the fields of each line that
    /// it prints.
    pub(super) async fn run(&self, script: &str, input: &Value) -> Vec<Vec<String>> {
        let home = self.home();
        // Beside the packages: Node looks for them where the script stands.
        let place = home.join(script);
        std::fs::copy(Path::new(SOURCES).join(script), &place).unwrap();
        let mut child = Command::new(self.program)
            .arg(&place)
            .current_dir(&home)
            .env("PYTHONPATH", home.join("packages"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_string();
        let talk = async {
            stdin.write_all(input.as_bytes()).await.unwrap();
            drop(stdin);
            child.wait_with_output().await.unwrap()
        };
        let done = timeout(RUN, talk).await;
        let done = done.unwrap_or_else(|_| panic!("{script} took over {RUN:?}"));
        assert!(
            done.status.success(),
            "{script}: {}\n{}",
            done.status,
            String::from_utf8_lossy(&done.stderr)
        );
        let lines = String::from_utf8(done.stdout).unwrap();
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
        lines.lines().map(fields).collect()
    }
}

/// Whether the SDKs are there. With `SDK_TESTS` they are got, and must be; without it they are used
/// where they are, and nothing is fetched.
pub(super) async fn ready() -> bool {
    static READY: OnceCell<bool> = OnceCell::const_new();
    *READY.get_or_init(get).await
}

async fn get() -> bool {
    let must = std::env::var_os("SDK_TESTS").is_some();
    let (node, python) = tokio::join!(NODE.ready(must), PYTHON.ready(must));
    match node.and(python) {
        Ok(()) => true,
        Err(why) if must => panic!("{why}"),
        Err(why) => {
            // Past the capture of the harness, which shows nothing of tests that pass.
            let _ = writeln!(std::io::stderr(), "skipped, SDK_TESTS=1 runs it: {why}");
            false
        }
    }
}
